"""What is told of an episode that is watched through a pipe: every change once, nothing twice, nothing that did not change."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cli.alert.changes import changes, row_changes
from tests.cli.alert.samples import DIGEST, asking, attempt, row, time, vote

FIRST: dict[str, Any] = {"attempts": [], "outcome": None, "proof_ref": [], "repeats": 0}


def fresh(**changes: Any) -> dict[str, Any]:
    """Return an episode that asks for the first time."""
    return asking(**{**FIRST, **changes})


def approval(*actors: str) -> dict[str, Any]:
    """Return the open request with these approvals."""
    cast = [vote(actor, -2) for actor in actors]
    return {**asking()["approval"], "votes": {"approve": cast, "reject": []}}


def test_the_first_look_tells_where_it_stands() -> None:
    """What it is about, what it asks of whom, who has voted, and its state."""
    assert changes(None, fresh()) == [
        "rule disk-full, target host1:9100, requested_by alice@example.com",
        f"plan {DIGEST}",
        f"asks for 1 more to approve (1 of 2 did), or 1 to reject, of alice@example.com, carol@example.com, until {time(41.5)}",
        f"vote approve bob@example.com token {time(-2)}",
        "state awaiting_approval",
    ]


def test_a_vote_is_told_once() -> None:
    """Also when its request is over and the ended attempt tells of it again, its reason cut."""
    before = fresh(approval=approval("bob@example.com"))
    after = fresh(approval=approval("bob@example.com", "alice@example.com"))
    assert changes(before, after) == [f"vote approve alice@example.com token {time(-2)}"]
    votes = {"approve": [vote("bob@example.com", -2), vote("alice@example.com", -2)], "reject": []}
    ended = fresh(
        state="cooling",
        approval=None,
        attempts=[attempt(votes=votes)],
        outcome="failed",
        cooldown_until=time(10),
        proof_ref=[4, 5],
    )
    assert changes(after, ended) == [
        "decided approve by votes, ledger 4",
        "ran grow failed: exit code 3, 1.2 s",
        "attempt 1 failed: grow: exit code 3",
        f"state cooling, until {time(10)}",
        "ledger 4 5",
    ]


def test_a_vote_between_two_looks_is_told_by_its_ended_attempt() -> None:
    """A vote that decided at once was never seen on an open request, and is told all the same."""
    ended = fresh(state="cooling", approval=None, attempts=[attempt()])
    assert f"vote approve bob@example.com token {time(-29)} looks right" in changes(
        fresh(approval={**asking()["approval"], "votes": {"approve": [], "reject": []}}), ended
    )


def test_what_happens_around_it_is_told() -> None:
    """Heard again, resolved, no worker and a worker again, closed, cut short in Temporal."""
    before = fresh()
    assert changes(before, fresh(repeats=2)) == ["heard again, 3 times now"]
    assert changes(before, fresh(status="resolved")) == ["the alert is resolved"]
    assert changes(before, fresh(state_reason="a reason")) == ["state awaiting_approval: a reason"]
    stale = {"key": before["key"], "state": "awaiting_approval", "stale": True, "open": True, "run_status": "running"}
    assert changes(before, {**before, **stale}) == ["no worker answers now"]
    assert changes({**before, **stale}, before) == ["a worker answers again"]
    assert changes(before, fresh(state="closed", approval=None, open=False, run_status="completed")) == ["state closed"]
    assert changes(before, fresh(open=False, run_status="terminated")) == [
        "terminated in Temporal (was awaiting_approval)"
    ]


def test_a_new_request_is_told_with_its_plan() -> None:
    """When the rule changed the digest did, and people are asked anew."""
    again = {**asking()["approval"], "id": "run.2.2", "votes": {"approve": [], "reject": []}}
    told = changes(fresh(), fresh(approval=again, plan={**asking()["plan"], "digest": "sha256:new"}))
    assert told[0] == "plan sha256:new"
    assert told[1].startswith("asks for 2 more to approve (0 of 2 did)")


@given(st.sampled_from([fresh(), asking(), fresh(state="cooling", approval=None), {}, {"stale": True}]))
def test_nothing_new_is_nothing_told(document: dict[str, Any]) -> None:
    """The same document twice tells nothing the second time."""
    assert changes(document, document) == []


def test_a_list_tells_new_episodes_and_new_states() -> None:
    """Oldest first, as they came; one that fell off the end of the list is not told."""
    one, two = row("a-1"), row("a-2", state="cooling", outcome="failed")
    assert row_changes(None, {"a-2": two, "a-1": one}) == [
        "a-1 awaiting_approval disk-full",
        "a-2 cooling failed disk-full",
    ]
    later = {"a-1": row("a-1", state="executing"), "a-3": row("a-3", status="terminated")}
    assert row_changes({"a-1": one, "a-2": two}, later) == [
        "a-3 terminated disk-full",
        "a-1 awaiting_approval -> executing",
    ]
    assert row_changes(later, later) == []
