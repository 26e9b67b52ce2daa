"""The rules of a trial, as the rule folder has them and as the evidence describes them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALICE, BOB, CAROL, MALLORY = (f"{name}@example.com" for name in ("alice", "bob", "carol", "mallory"))
ALLOWED = [ALICE, BOB, CAROL]
COOLDOWN = 3
HOUR = 3600

ACT = """\
import os, sys, time
path, seconds, fails = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
def tell(word):
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    line = f"{os.environ['LUMEN_IDEMPOTENCY_KEY']} {word} {time.monotonic_ns()} {os.getpid()}\\n"
    os.write(file, line.encode())
    os.close(file)
tell("start")
time.sleep(seconds)
with open(path) as file:
    starts = sum(" start " in line for line in file)
if starts <= fails:
    sys.exit(1)
tell("end")
"""
"""What every command of a trial is: it says that it started, stays, and says that it ended; its first ``fails`` starts fail."""


@dataclass(frozen=True)
class Mixed:
    """One rule: ``content`` for the rule folder, ``facts`` for the judge; ``weight``: how many alerts of it a trial fires."""

    name: str
    content: dict[str, Any]
    facts: dict[str, Any]
    weight: int = 2
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        """Whether people must agree."""
        return self.content.get("mode") != "auto"


def mix(evidence: Path, script: Path) -> list[Mixed]:
    """Return all rules of a trial, whose commands are ``script`` and write below ``evidence``/acts."""

    def act(name: str = "run", seconds: float = 0.7, fails: int = 0, **more: Any) -> dict[str, Any]:
        argv = [sys.executable, "-I", "-S", str(script), f"{evidence}/acts/{{labels.file}}", f"{seconds:g}"]
        return {"name": name, "cmd": [*argv, str(fails)], "timeout": 6, **more}

    again: dict[str, Any] = {"idempotent": True, "retry": {"attempts": 4, "backoff": 1}}
    undone = act("change", rollback={"cmd": act()["cmd"], "timeout": 6})
    bus = {"command": "restart-exporter", "args": {"file": "{labels.file}"}}
    two: dict[str, Any] = {"approve": 2, "reject": 1, "timeout": "5m"}
    never = {"cmd": ["/bin/false"], "within": 1}
    held: dict[str, Any] = {"target": "{labels.host}", "labels": {"host": "host-1"}}
    return [
        _rule("Once", [act()], weight=3),
        _rule("Again", [act(seconds=0.5, fails=1, **again)]),
        _rule("TwoSteps", [act("first", 0.4), act("second", 0.4)]),
        _rule("Asked", [act()], weight=4, approval={**two, "allow": ALLOWED}),
        _rule("AskedFew", [act("first", 0.3), act("second", 0.3, **again)], approval={**two, "allow": [ALICE, BOB]}),
        _rule("Undone", [undone], verify=never, ends=("rolled_back",)),
        _rule("Budget", [act(seconds=0.3)], weight=4, limits={"max_runs": 2, "per": "1h"}, ends=("suppressed",)),
        _rule("LockOne", [act()], ends=("suppressed",), **held),
        _rule("LockTwo", [act(**again)], ends=("suppressed",), **held),
        _rule("AskedLock", [act()], weight=1, approval={**two, "allow": ALLOWED}, ends=("suppressed",), **held),
        _rule("Narrow", [act()], limits={"concurrency": 1}),
        _rule("Bus", [{"name": "tell", "control_bus": bus, "timeout": 5}]),
        _rule("When", [act()], when='chaos{file="{labels.file}"} > 0', ends=("condition_not_met",)),
    ]


def _rule(
    name: str,
    actions: list[dict[str, Any]],
    *,
    weight: int = 2,
    ends: tuple[str, ...] = (),
    labels: dict[str, str] | None = None,
    **more: Any,
) -> Mixed:
    approval = more.get("approval")
    limits = {"attempts": 2, **more.pop("limits", {})}
    content = {
        "mode": "approve" if approval else "auto",
        "actions": actions,
        "cooldown": COOLDOWN,
        "params": {"labels.file": "[0-9]+-[0-9]+"},
        "limits": limits,
        **more,
    }
    facts = {
        "mode": content["mode"],
        "idempotent": all(action.get("idempotent", False) for action in actions),
        "actions": len(actions),
        "approve": approval["approve"] if approval else 1,
        "reject": approval["reject"] if approval else 1,
        "allow": approval["allow"] if approval else ALLOWED,
        "max_runs": limits.get("max_runs"),
        "per_seconds": HOUR if "per" in limits else None,
        "concurrency": limits.get("concurrency"),
        "max_targets": None,
        "cooldown_seconds": COOLDOWN,
        "attempts": limits["attempts"],
        "target_label": "host" if "target" in content else None,
        "ends": [
            *({"rolled_back"} if "verify" in content else {"remediated"}),
            *(one for one in ends if one != "rolled_back"),
        ],
    }
    if approval:
        facts["ends"] += ["rejected"]
    return Mixed(name, content, facts, weight, labels or {})
