"""The record of the demo's episode: every difference to what was seen is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cli.demo.record import check, line_of
from cli.failure import CommandError

VOTES = {"a@example.com": "approve", "b@example.com": "approve"}
Entries = list[dict[str, Any]]


def entries(decision: str = "approve", outcome: str = "remediated") -> Entries:
    """Return the entries of an episode in which two people voted and the restart ran."""
    voters = {"approve": [{"actor": actor} for actor in VOTES], "reject": []}
    parts = [
        ("approval_quorum_decision", {"decision": decision, "voters": voters, "plan_digest": "sha256:1"}),
        ("action.started", {"action": "restart", "plan_digest": "sha256:1"}),
        ("action.finished", {"name": "restart", "status": "succeeded"}),
        ("auto_remediation", {"outcome": outcome, "plan_digest": "sha256:1"}),
    ]
    return [{"seq": seq, "kind": kind, "parts": {"part": part}} for seq, (kind, part) in enumerate(parts, 1)]


def part(changed: Entries, index: int) -> dict[str, Any]:
    """Return the part of an entry."""
    found: dict[str, Any] = changed[index]["parts"]["part"]
    return found


CHANGES: dict[str, Callable[[Entries], Any]] = {
    "has approval_quorum_decision, action.finished": lambda some: some.pop(1),
    "has nothing": lambda some: some.clear(),
    "has approval_quorum_decision, action.finished, action.started": lambda some: some.insert(1, some.pop(2)),
    "entry 1 has another decision": lambda some: part(some, 0).update(decision="reject"),
    "entry 1 has another decision or other voters": lambda some: part(some, 0)["voters"]["approve"].pop(),
    "entry 1 is about another plan": lambda some: part(some, 0).update(plan_digest="sha256:2"),
    "entry 2 is about another plan": lambda some: part(some, 1).update(plan_digest="sha256:2"),
    "entry 4 has the outcome failed": lambda some: part(some, 3).update(outcome="failed"),
}


def test_a_record_of_what_was_seen_passes() -> None:
    """Approved and run, or rejected and not run."""
    check(entries(), VOTES, "sha256:1", "remediated")
    first, *_, last = entries("reject", "rejected")
    part([first], 0)["voters"] = {"approve": [{"actor": "a@example.com"}], "reject": [{"actor": "b@example.com"}]}
    check([first, last], {"a@example.com": "approve", "b@example.com": "reject"}, "sha256:1", "rejected")


@pytest.mark.parametrize("said", CHANGES)
def test_a_record_of_something_else_is_named(said: str) -> None:
    """A missing, moved or different entry is the failure of the demo, in one line."""
    changed = copy.deepcopy(entries())
    CHANGES[said](changed)
    with pytest.raises(CommandError, match=f"^(the ledger )?{said}"):
        check(changed, VOTES, "sha256:1", "remediated")


def test_each_entry_reads_as_a_line() -> None:
    """Number, kind and gist; a kind that the demo does not know is still shown."""
    assert [line_of(entry) for entry in entries()] == [
        "1 approval_quorum_decision: approve, by a@example.com, b@example.com",
        "2 action.started: the claim to start restart, once",
        "3 action.finished: restart succeeded",
        "4 auto_remediation: the outcome, remediated",
    ]
    assert line_of({"seq": 9, "kind": "other", "parts": {}}) == "9 other"
