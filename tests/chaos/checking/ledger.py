"""The entries of an export and what their parts say."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.chaos.checking.acts import Action, parse_action
from tests.chaos.checking.reading import text

# The one part of each kind (docs/ledger.md).
PART_OF = {
    "action.started": "claim",
    "action.void": "claim",
    "action.finished": "result",
    "approval_quorum_decision": "approval",
    "auto_remediation": "remediation",
    "override": "override",
}


@dataclass(frozen=True)
class Entry:
    """One entry: number, time in seconds since 1970 (None if unreadable), kind, business key, content of its part."""

    seq: int
    at: float | None
    kind: str
    idem: str
    data: dict[str, Any]

    @property
    def key(self) -> str:
        """The key of the action that a claim, void or result is about."""
        return text(self.data, "key")

    @property
    def action(self) -> Action | None:
        """That key, taken apart."""
        return parse_action(self.key)

    @property
    def pass_of(self) -> tuple[str, str, int] | None:
        """The attempt that an ``auto_remediation`` ends, from its ``idem``: ``E/auto_remediation``."""
        found = parse_action(self.idem)
        return found.pass_of if found else None


@dataclass
class Ledger:
    """All entries in their order."""

    entries: list[Entry] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Entry]:
        """Return the entries of one kind, in order."""
        return [entry for entry in self.entries if entry.kind == kind]

    @cached_property
    def by_seq(self) -> dict[int, Entry]:
        """The entries by number."""
        return {entry.seq: entry for entry in self.entries}

    @cached_property
    def claims(self) -> dict[str, list[Entry]]:
        """The claims of each action, in order."""
        return self._by_key("action.started")

    @cached_property
    def results(self) -> dict[str, list[Entry]]:
        """The results of each action, in order."""
        return self._by_key("action.finished")

    @cached_property
    def ends(self) -> dict[tuple[str, str, int], list[Entry]]:
        """The entries that end each attempt."""
        found: dict[tuple[str, str, int], list[Entry]] = defaultdict(list)
        for entry in self.of_kind("auto_remediation"):
            if entry.pass_of:
                found[entry.pass_of].append(entry)
        return found

    def about(self, kind: str, alert_key: str) -> list[Entry]:
        """Return the entries of one kind that name the alert."""
        return [entry for entry in self.of_kind(kind) if text(entry.data, "alert_key") == alert_key]

    def _by_key(self, kind: str) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.of_kind(kind):
            found[entry.key].append(entry)
        return found
