"""Votes: who counts, for how long, and for what."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from lumen import names
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks


def reason_of(error: WorkflowUpdateFailedError) -> str | None:
    """Return the stable reason of a refused vote."""
    assert isinstance(error.cause, ApplicationError)
    return error.cause.type


async def test_outsider_is_refused(bench: Bench, out: Path) -> None:
    """A vote of somebody who is not on the allowlist is refused as ``not_allowed`` and counts for nothing."""
    bench.rulebook.add("VoteOutsider", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteOutsider"))
        await bench.until(handle, state="awaiting_approval")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, "mallory@example.com")
        assert reason_of(refused.value) == "not_allowed"
        assert (await bench.status(handle))["approval"]["votes"] == {"approve": [], "reject": []}


async def test_vote_lapses_with_its_window(bench: Bench, out: Path) -> None:
    """A vote older than the 15 minute window does not count towards the quorum any more."""
    bench.rulebook.add("VoteWindow", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteWindow", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        await bench.pass_time(handle, minutes=16)
        tally = await bench.vote(handle, "bob@example.com")
        assert tally["status"] == "pending"
        assert [vote["actor"] for vote in tally["votes"]["approve"]] == ["bob@example.com"]
        assert (await bench.vote(handle, "alice@example.com"))["status"] == "approved"


async def test_reject_threshold_ends_it(bench: Bench, out: Path) -> None:
    """One reject ends a request whose threshold is one; nothing runs and the decision is in the ledger."""
    bench.rulebook.add("VoteReject", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteReject", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        await bench.vote(handle, "bob@example.com", "reject", reason="not now")
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "rejected"
        assert "not now" in done["attempts"][0]["reason"]
        [decision] = await bench.entries_of(handle, "approval_quorum_decision")
        assert decision["parts"]["approval"]["decision"] == "reject"
        assert marks(out) == []


async def test_timeout_ends_it_expired(bench: Bench, out: Path) -> None:
    """Nobody deciding within the hour ends the attempt ``expired``, and not a minute earlier."""
    bench.rulebook.add("VoteTimeout", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteTimeout"))
        await bench.until(handle, state="awaiting_approval")
        await bench.pass_time(handle, minutes=59)
        assert (await bench.status(handle))["state"] == "awaiting_approval"
        await bench.pass_time(handle, minutes=2)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "expired"
        assert marks(out) == []


async def test_resolve_while_waiting_ends_it(bench: Bench, out: Path) -> None:
    """An alert that resolves while people are asked ends the attempt ``resolved``; a vote afterwards finds it closed."""
    bench.rulebook.add("VoteResolve", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("VoteResolve")
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        await bench.resolve(alert)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "resolved"
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, "alice@example.com")
        assert reason_of(refused.value) == "closed"
        assert marks(out) == []


async def test_edit_of_another_rule_voids_nothing(bench: Bench, out: Path) -> None:
    """A vote given before another rule was edited still counts with one given after."""
    bench.rulebook.add("VoteEditOther", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteEditOther", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        bench.rulebook.add("Unrelated", actions=[{"proof": True}])
        bench.source.reload()
        assert (await bench.vote(handle, "bob@example.com"))["status"] == "approved"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_edit_of_this_rule_voids_the_votes(bench: Bench, out: Path) -> None:
    """A rule edited while it waits is asked about anew: the old votes are void and what runs is what was approved then."""
    bench.rulebook.add("VoteEditThis", actions=[{"name": "mark", "cmd": marking(out, "old")}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteEditThis", severity="critical"))
        before = await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        bench.rulebook.add("VoteEditThis", actions=[{"name": "mark", "cmd": marking(out, "new")}])
        bench.source.reload()
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, "bob@example.com")
        assert reason_of(refused.value) == "plan_changed"
        after = before
        while after["approval"] is None or after["approval"]["id"] == before["approval"]["id"]:
            await asyncio.sleep(0.02)
            after = await bench.status(handle)
        assert after["plan"]["digest"] != before["plan"]["digest"]
        assert after["approval"]["votes"]["approve"] == []
        with pytest.raises(WorkflowUpdateFailedError) as stale:
            await bench.vote(handle, "alice@example.com", approval_id=before["approval"]["id"])
        assert reason_of(stale.value) == "closed"
        await bench.vote(handle, "alice@example.com")
        await bench.vote(handle, "bob@example.com")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert marks(out) == ["new"]


async def test_edit_after_the_last_vote_voids_it_too(bench: Bench, out: Path) -> None:
    """A rule that changed between the last vote and the start of the command is asked about anew, not run."""
    bench.rulebook.add("VoteEditLate", actions=[{"name": "mark", "cmd": marking(out, "old"), "runner": "later"}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteEditLate"))
        before = await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        await bench.until(handle, state="executing")
        bench.rulebook.add("VoteEditLate", actions=[{"name": "mark", "cmd": marking(out, "new"), "runner": "later"}])
        bench.source.reload()
        async with bench.runner("later"):
            after = await bench.until(handle, state="awaiting_approval")
            assert after["approval"]["id"] != before["approval"]["id"]
            assert marks(out) == []
            await bench.vote(handle, "alice@example.com")
            assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
            assert marks(out) == ["new"]


async def test_old_decision_asks_again(bench: Bench, out: Path) -> None:
    """A decision whose action could not start within ``valid_for`` (no worker) is asked about anew.

    In real time: a server that skips time does not skip while an activity waits for its worker.
    """
    action = {"name": "mark", "cmd": marking(out), "runner": "absent"}
    bench.rulebook.add("VoteLapsed", approval={"valid_for": "3s"}, actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteLapsed"))
        before = await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        await bench.until(handle, state="executing")
        after = await bench.until(handle, state="awaiting_approval")
        assert after["approval"]["id"] != before["approval"]["id"]
        async with bench.runner("absent"):
            await bench.vote(handle, "bob@example.com")
            assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert len(marks(out)) == 1


async def test_same_vote_twice_counts_once_and_may_change(bench: Bench, out: Path) -> None:
    """The same vote id delivered twice is one vote; the person may change it before the decision."""
    bench.rulebook.add(
        "VoteChange", approval={"approve": 2, "reject": 2}, actions=[{"name": "mark", "cmd": marking(out)}]
    )
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteChange"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com", id="v1")
        await bench.vote(handle, "alice@example.com", id="v1")
        changed = await bench.vote(handle, "alice@example.com", "reject", id="v2")
        assert [len(changed["votes"][side]) for side in ("approve", "reject")] == [0, 1]


async def test_signal_votes_count_like_updates(bench: Bench, out: Path) -> None:
    """A bare signal, as the Temporal CLI sends it, is a vote; nonsense signals change nothing."""
    bench.rulebook.add("VoteSignal", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteSignal"))
        await bench.until(handle, state="awaiting_approval")
        nonsense_votes: list[Any] = [
            None,
            7,
            [],
            {"decision": "approve"},
            {"decision": "maybe", "actor": "a@example.com"},
        ]
        for nonsense in nonsense_votes:
            await handle.signal(names.SIGNAL_VOTE, nonsense)
        await handle.signal(names.SIGNAL_VOTE, {"decision": "approve", "actor": "alice@example.com", "reason": "ok"})
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_forged_signature_is_refused(bench: Bench, out: Path) -> None:
    """A vote that claims a better rank with a signature that does not hold is refused as ``forged``."""
    bench.rulebook.add("VoteForged", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteForged"))
        await bench.until(handle, state="awaiting_approval")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, "alice@example.com", rank="oidc", channel="slack", auth="k1:00")
        assert reason_of(refused.value) == "forged"


async def test_rank_too_low_is_refused(bench: Bench, out: Path) -> None:
    """An unsigned vote that merely says it has a rank has the weakest, and a rule with a minimum refuses it."""
    bench.rulebook.add("VoteRank", approval={"min_rank": "link"}, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("VoteRank"))
        await bench.until(handle, state="awaiting_approval")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, "alice@example.com", rank="oidc")
        assert reason_of(refused.value) == "rank_too_low"
