"""Writes rule folders for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

POLICY: dict[str, Any] = {
    "approver_allowlist": ["alice@example.com", "bob@example.com", "carol@example.com"],
    "quorum_window_sec": 900,
    "timeout": "1h",
    "on_timeout": "reject",
    "severity": {
        "critical": {"approve": 2, "reject": 1},
        "warning": {"approve": 1, "reject": 1},
        "default": {"approve": 1, "reject": 1},
    },
}


class Rulebook:
    """A rule folder. JSON is YAML, so the files are written as JSON."""

    def __init__(self, folder: Path) -> None:
        """Make the folder with the example policy and one rule that no test's alert matches: no rules is refused."""
        self.folder = folder
        self.rules: dict[str, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.policy(**POLICY)
        self.add("NobodySendsThis", actions=[{"proof": True}])

    def policy(self, **content: Any) -> None:
        """Write the policy."""
        (self.folder / "policy.yaml").write_text(json.dumps(content))

    def add(self, name: str, **rule: Any) -> None:
        """Add or replace one rule; ``dry_run`` is false unless given."""
        self.rules[name] = {"name": name, "alert": name, "dry_run": False, **rule}
        self.write()

    def write(self) -> None:
        """Write the rules file whole, so that a reader never sees half of it."""
        temporary = self.folder / ".rules.tmp"
        temporary.write_text(json.dumps({"rules": list(self.rules.values())}))
        temporary.replace(self.folder / "test.yaml")
