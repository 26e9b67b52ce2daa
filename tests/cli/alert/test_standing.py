"""Whose turn it is, and what a person is told about it."""

from __future__ import annotations

from typing import Any

import pytest

from cli.alert.standing import line_of, short, state_line, waits, what_next
from lumen.standing import over, turn
from tests.cli.alert.samples import KEY, NOW, asking, time, vote


def test_those_who_have_voted_are_not_waited_for() -> None:
    """Whoever voted, for or against, is off the list; what is missing is counted to the quorum."""
    found = turn(asking())
    assert found is not None
    assert found.waits_for == ("alice@example.com", "carol@example.com")
    assert (found.approve, found.needed, found.missing) == (1, 2, 1)
    assert line_of(found) == "1 more to approve (1 of 2 did), or 1 to reject"
    votes = {"approve": [vote("bob@example.com")], "reject": [vote("carol@example.com")]}
    approval = {**asking()["approval"], "votes": votes, "required": {"approve": 3, "reject": 2}}
    found = turn(asking(approval=approval))
    assert found is not None
    assert found.waits_for == ("alice@example.com",)
    assert line_of(found) == "2 more to approve (1 of 3 did), or 2 to reject (1 did)"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "executing"},
        {"approval": None},
        {"open": False, "run_status": "terminated"},
    ],
)
def test_nobody_is_waited_for_where_nobody_is_asked(changes: dict[str, Any]) -> None:
    """An approval that is decided, gone or cut short in Temporal waits for nobody."""
    assert turn(asking(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "ended", "line"),
    [
        ({}, False, "awaiting_approval"),
        ({"state": "closed", "open": False, "run_status": "completed"}, True, "closed"),
        ({"state": "closed", "open": True}, True, "closed"),
        ({"open": False, "run_status": "terminated"}, True, "terminated in Temporal (was awaiting_approval)"),
        ({"open": None, "run_status": None}, False, "awaiting_approval"),
    ],
)
def test_an_episode_that_was_cut_short_is_over(changes: dict[str, Any], ended: bool, line: str) -> None:
    """What state it was in does not matter any more, and is told as past."""
    document = asking(**changes)
    assert (over(document), state_line(document)) == (ended, line)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "it asks for 1 more to approve (1 of 2 did), or 1 to reject; 41m left"),
        ({"stale": True}, "no worker answers now"),
        ({"state": "planning"}, "it is being planned"),
        ({"state": "blocked", "state_reason": "frozen by bob"}, "it is blocked: frozen by bob"),
        ({"state": "executing", "state_reason": "grow"}, "it runs: grow"),
        ({"state": "waiting_ledger"}, "it waits for the ledger"),
        ({"state": "cooling", "cooldown_until": time(9)}, "the attempt ended: failed; it cools, 9m left"),
        ({"state": "watching"}, "the attempt ended: failed"),
        ({"state": "closed"}, "it is over: failed"),
        ({"state": "of a later version"}, "its state is not known yet"),
    ],
)
def test_every_state_says_what_comes_next(changes: dict[str, Any], said: str) -> None:
    """The first sentence is about the state; where a person can act, the command for it is named with the key."""
    lines = what_next(asking(**changes), KEY, NOW)
    assert lines[0].startswith(said)
    if changes == {}:
        assert lines[1:] == [
            "may vote: alice@example.com, carol@example.com",
            f"vote with: lumen approve {KEY} --actor …",
        ]
    if changes.get("state") in {"cooling", "watching"}:
        assert f"lumen override {KEY} retry" in lines[1]


def test_a_list_says_it_in_a_few_words() -> None:
    """Time left first, since the end of a line may be cut; then who."""
    assert waits(asking(), NOW) == "41m left, 1 more of alice, carol"
    assert waits(asking(state="cooling", cooldown_until=time(9)), NOW) == "9m left"
    assert waits(asking(state="blocked", state_reason="frozen"), NOW) == "frozen"
    assert waits(asking(state="executing"), NOW) == ""


def test_addresses_are_shortened_only_where_that_is_unambiguous() -> None:
    """Two domains, or something that is no address, stay as they are."""
    assert short(["a@x.example", "b@x.example"]) == ["a", "b"]
    assert short(["a@x.example", "a@y.example"]) == ["a@x.example", "a@y.example"]
    assert short(["a@x.example", "u012"]) == ["a@x.example", "u012"]
    assert short([]) == []
