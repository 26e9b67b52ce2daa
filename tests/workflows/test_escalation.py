"""Escalations, reminders and deadlines in their real time, which is skipped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from lumen.showing import Note
from tests.stack.bench import PATIENCE, Bench
from tests.stack.receiver import Receiver
from tests.workflows.following import Follower, followed
from tests.workflows.test_loop import marking, marks
from tests.workflows.test_votes import reason_of

ALICE, LEAD, BOSS = "alice@example.com", "lead@example.com", "boss@example.com"
LEVELS = [{"after": "20m", "allow": [LEAD], "channel": "#leads"}, {"after": "40m", "allow": [BOSS]}]


def rule(bench: Bench, name: str, out: Path, **approval: Any) -> None:
    """Let alerts called ``name`` have a rule that is escalated after 20 and 40 minutes."""
    bench.rulebook.add(
        name,
        approval={"allow": [ALICE], "escalate": LEVELS, **approval},
        actions=[{"name": "mark", "cmd": marking(out)}],
    )
    bench.source.reload()


async def test_the_list_widens_at_its_time(bench: Bench, out: Path) -> None:
    """Somebody of an escalation may not vote a minute before it and may a minute after it; the vote runs the action."""
    rule(bench, "EscalateList", out)
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateList"))
        asked = await bench.until(handle, state="awaiting_approval")
        assert asked["approval"]["allow"] == [ALICE]
        assert (asked["approval"]["escalated"], asked["approval"]["escalations"]) == (0, 2)
        await bench.pass_time(handle, minutes=19)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, LEAD)
        assert reason_of(refused.value) == "not_allowed"
        await bench.pass_time(handle, minutes=2)
        shown = (await bench.status(handle))["approval"]
        assert (shown["allow"], shown["escalated"]) == ([ALICE, LEAD], 1)
        assert shown["next_escalation_at"] is not None
        with pytest.raises(WorkflowUpdateFailedError) as too_early:
            await bench.vote(handle, BOSS)
        assert reason_of(too_early.value) == "not_allowed"
        assert (await bench.vote(handle, LEAD))["status"] == "approved"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert len(marks(out)) == 1


async def test_votes_from_before_an_escalation_count_on(bench: Bench, out: Path) -> None:
    """A quorum of two is made of a vote from before the escalation and one from after it, by two people."""
    rule(bench, "EscalateQuorum", out, approve=2, window="1h")
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateQuorum"))
        await bench.until(handle, state="awaiting_approval")
        assert (await bench.vote(handle, ALICE))["status"] == "pending"
        await bench.pass_time(handle, minutes=41)
        assert (await bench.vote(handle, BOSS))["status"] == "approved"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_reminders_come_until_it_is_decided(bench: Bench, out: Path) -> None:
    """Every 15 minutes one, with the minutes that are left, beside the escalations; none after the decision."""
    rule(bench, "EscalateRemind", out, remind="15m")
    follower = Follower()
    async with followed(bench, follower):
        alert = bench.alert("EscalateRemind")
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        await bench.pass_time(handle, minutes=50)
        lines = await follower.until(Note.REMINDER, 3)
        assert [line.values for line in lines] == [{"minutes": "45"}, {"minutes": "30"}, {"minutes": "15"}]
        raised = await follower.until(Note.ESCALATED, 2)
        assert [line.values for line in raised] == [
            {"minutes": "40", "people": LEAD},
            {"minutes": "20", "people": BOSS},
        ]
        assert all(line.loud for line in lines + raised)
        assert follower.calls[0].channels == ("",)
        assert follower.calls[-1].channels == ("", "#leads")
        await bench.vote(handle, BOSS)
        await bench.until_attempts(handle, 1)
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=30)
        await handle.result()
        assert follower.notes().count(Note.REMINDER) == 3


async def test_a_deadline_that_escalates_asks_everybody_once_more(bench: Bench, out: Path, receiver: Receiver) -> None:
    """After an hour a human is told and the hour runs once more; a vote in the second hour still counts."""
    bench.use_receiver(receiver)
    rule(bench, "EscalateDeadline", out, on_timeout="escalate", remind="30m")
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateDeadline"))
        before = await bench.until(handle, state="awaiting_approval")
        await bench.pass_time(handle, minutes=61)
        shown = (await bench.status(handle))["approval"]
        assert shown["extended"]
        assert shown["id"] == before["approval"]["id"]
        assert shown["expires_at"] > before["approval"]["expires_at"]
        await receiver.until(2)
        [told] = [request.json for request in receiver.requests if request.path == "/notify"]
        assert told["reason"] == "approval_timed_out"
        await bench.pass_time(handle, minutes=50)
        assert (await bench.vote(handle, ALICE))["status"] == "approved"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_the_second_deadline_is_the_end(bench: Bench, out: Path) -> None:
    """Two hours without a decision end the attempt ``expired``, not a minute earlier, and nothing runs."""
    rule(bench, "EscalateEnd", out, on_timeout="escalate")
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateEnd"))
        await bench.until(handle, state="awaiting_approval")
        await bench.pass_time(handle, minutes=119)
        assert (await bench.status(handle))["state"] == "awaiting_approval"
        await bench.pass_time(handle, minutes=2)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "expired"
        assert marks(out) == []


async def test_a_worker_that_was_away_catches_up(bench: Bench, out: Path) -> None:
    """A vote that arrived while no worker was there counts by the list of the time when it is judged, once."""
    rule(bench, "EscalateAway", out, remind="5m")
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateAway"))
        await bench.until(handle, state="awaiting_approval")
    await handle.signal("vote", {"decision": "approve", "actor": LEAD})
    async with bench.working():
        await bench.pass_time(handle, minutes=25)
        assert (await bench.status(handle))["state"] == "awaiting_approval"
        await handle.signal("vote", {"decision": "approve", "actor": LEAD})
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
    assert len(marks(out)) == 1


async def test_the_owner_of_an_alert_is_refused_in_words(bench: Bench, out: Path) -> None:
    """The owner does not vote, not after an escalation either, and is told why; somebody else does."""
    rule(bench, "EscalateOwner", out, allow=[ALICE, LEAD], owner_label="owner")
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateOwner", owner="Lead@example.com"))
        await bench.until(handle, state="awaiting_approval")
        await bench.pass_time(handle, minutes=45)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, LEAD)
        assert reason_of(refused.value) == "not_allowed"
        assert "owns what this is about" in str(refused.value.cause)
        assert (await bench.vote(handle, ALICE))["status"] == "approved"


async def test_what_an_episode_waits_for_stands_in_lists(bench: Bench, out: Path) -> None:
    """A list of episodes tells the request, its deadline and who may vote now, without asking any of them."""
    rule(bench, "EscalateMemo", out)
    async with bench.working():
        handle = await bench.send(bench.alert("EscalateMemo"))
        asked = (await bench.until(handle, state="awaiting_approval"))["approval"]
        first = (await (await handle.describe()).memo())["waiting"]
        assert first == {
            "approval_id": asked["id"],
            "expires_at": asked["expires_at"],
            "allow": [ALICE],
            "min_rank": "signal",
            "approve": 1,
            "reject": 1,
        }
        await bench.pass_time(handle, minutes=41)
        found = await (await handle.describe()).memo()
        assert found["waiting"]["allow"] == [ALICE, BOSS, LEAD]
        assert found["episode"]["labels"]["alertname"] == "EscalateMemo"
        async with asyncio.timeout(PATIENCE):  # lists follow what happens within about a second
            while [len(waiting["allow"]) for waiting in await _listed(bench, handle.id)] != [3]:
                await asyncio.sleep(0.05)
        assert [waiting["approval_id"] for waiting in await _listed(bench, handle.id)] == [asked["id"]]


async def _listed(bench: Bench, workflow_id: str) -> list[dict[str, Any]]:
    return [(await row.memo())["waiting"] async for row in bench.client.list_workflows(f'WorkflowId="{workflow_id}"')]
