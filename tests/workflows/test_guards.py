"""Guards: one holder of a target over all rules, first come first served, and a cooldown that holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lumen import names
from tests.stack.bench import Bench
from tests.stack.receiver import Receiver
from tests.workflows.test_loop import marking, marks


async def test_second_rule_waits_for_the_target(bench: Bench, out: Path) -> None:
    """Two rules on one target never act at once: the second is blocked while the first waits for its vote, then asks."""
    for name in ("GuardFirst", "GuardSecond"):
        bench.rulebook.add(name, target="{labels.instance}", actions=[{"name": "mark", "cmd": marking(out, name)}])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("GuardFirst", instance="g-1"))
        await bench.until(first, state="awaiting_approval")
        second = await bench.send(bench.alert("GuardSecond", instance="g-1"))
        blocked = await bench.until(second, state="blocked")
        assert "target-g-1 is held by" in blocked["state_reason"]
        await bench.vote(first, "alice@example.com")
        await bench.until(second, state="awaiting_approval")
        await bench.vote(second, "alice@example.com")
        await bench.until_attempts(second, 1)
        assert marks(out) == ["GuardFirst", "GuardSecond"]


async def test_same_rule_on_a_cooling_target_is_suppressed(bench: Bench, out: Path) -> None:
    """Another episode of the same rule on a target that cools is suppressed, and says by what and until when."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("GuardCool", mode="auto", target="{labels.instance}", cooldown="10m", actions=[action])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("GuardCool", instance="g-2", disk="a"))
        await bench.until_attempts(first, 1)
        second = await bench.send(bench.alert("GuardCool", instance="g-2", disk="b"))
        done = await bench.until_attempts(second, 1)
        assert done["outcome"] == "suppressed"
        assert "target-g-2 cools until" in done["attempts"][0]["reason"]
        assert len(marks(out)) == 1
        guard = bench.client.get_workflow_handle(names.target_guard_id("g-2"))
        await guard.signal(names.GUARD_CLEAR, {"rule": "", "actor": "oncall@example.com", "reason": "checked"})
        async with asyncio.timeout(20):
            while (await guard.query(names.QUERY_STATUS))["cooling"]:
                await asyncio.sleep(0.05)
        third = await bench.send(bench.alert("GuardCool", instance="g-2", disk="c"))
        assert (await bench.until_attempts(third, 1))["outcome"] == "remediated"


async def test_terminated_holder_frees_the_target_after_its_lease(bench: Bench, out: Path) -> None:
    """A holder that was terminated blocks the target only until its lease is over, and then the cooldown holds."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("GuardLease", target="{labels.instance}", cooldown="10m", actions=[action])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("GuardLease", instance="g-3", disk="a"))
        await bench.until(first, state="awaiting_approval")
        second = await bench.send(bench.alert("GuardLease", instance="g-3", disk="b"))
        await bench.until(second, state="blocked")
        await first.terminate("gone")
        guard = bench.client.get_workflow_handle(names.target_guard_id("g-3"))
        await bench.pass_time(guard, minutes=30)
        assert (await guard.query(names.QUERY_STATUS))["places"][0]["holder"].startswith(first.id)
        await bench.pass_time(guard, minutes=62)
        status = await guard.query(names.QUERY_STATUS)
        assert status["places"] == []
        done = await bench.until_attempts(second, 1)
        assert done["outcome"] == "suppressed"


async def test_a_target_that_was_lost_while_people_voted_is_waited_for(bench: Bench, out: Path) -> None:
    """A guard that somebody terminated forgets its holder; what was approved waits then for whoever holds the target now."""
    action = {"name": "mark", "cmd": marking(out, "$LUMEN_LABEL_DISK")}
    bench.rulebook.add("GuardLost", target="{labels.instance}", cooldown=0, actions=[action])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("GuardLost", instance="g-8", disk="a"))
        await bench.until(first, state="awaiting_approval")
        await bench.client.get_workflow_handle(names.target_guard_id("g-8")).terminate("by mistake")
        second = await bench.send(bench.alert("GuardLost", instance="g-8", disk="b"))
        await bench.until(second, state="awaiting_approval")
        await bench.vote(first, "alice@example.com")
        blocked = await bench.until(first, state="blocked")
        assert "target-g-8 is held by" in blocked["state_reason"]
        await bench.vote(second, "alice@example.com")
        assert (await bench.until_attempts(second, 1))["outcome"] == "remediated"
        assert (await bench.until_attempts(first, 1))["outcome"] == "remediated"
        assert marks(out) == ["b", "a"]


async def test_rejection_frees_the_target_without_a_cooldown(bench: Bench, out: Path) -> None:
    """A rejected attempt gives the target back at once and cools nothing, since nothing ran."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("GuardReject", target="{labels.instance}", actions=[action])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("GuardReject", instance="g-4", disk="a"))
        await bench.until(first, state="awaiting_approval")
        second = await bench.send(bench.alert("GuardReject", instance="g-4", disk="b"))
        await bench.until(second, state="blocked")
        await bench.vote(first, "alice@example.com", "reject")
        await bench.until(second, state="awaiting_approval")
        await bench.vote(second, "alice@example.com")
        assert (await bench.until_attempts(second, 1))["outcome"] == "remediated"


async def test_concurrency_limits_a_rule_over_its_targets(bench: Bench, out: Path) -> None:
    """`limits.concurrency: 1` lets one episode of a rule act at a time, whatever their targets."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("GuardBudget", target="{labels.instance}", limits={"concurrency": 1}, actions=[action])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("GuardBudget", instance="g-5"))
        await bench.until(first, state="awaiting_approval")
        second = await bench.send(bench.alert("GuardBudget", instance="g-6"))
        blocked = await bench.until(second, state="blocked")
        assert "budget-GuardBudget" in blocked["state_reason"]
        await bench.vote(first, "alice@example.com")
        await bench.until(second, state="awaiting_approval")


async def test_resolve_leaves_the_queue(bench: Bench, out: Path) -> None:
    """An alert that resolves while it waits for a target leaves the queue, and its place goes to the next."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("GuardQueue", target="{labels.instance}", actions=[action])
    bench.source.reload()
    async with bench.working():
        alerts = [bench.alert("GuardQueue", instance="g-7", disk=disk) for disk in "abc"]
        first, second, third = [await bench.send(alerts[0]), None, None]
        await bench.until(first, state="awaiting_approval")
        second = await bench.send(alerts[1])
        await bench.until(second, state="blocked")
        third = await bench.send(alerts[2])
        await bench.until(third, state="blocked")
        await bench.resolve(alerts[1])
        assert (await bench.until_attempts(second, 1))["outcome"] == "resolved"
        await bench.vote(first, "alice@example.com", "reject")
        await bench.until(third, state="awaiting_approval")


async def test_everything_is_in_the_history_before_it_is_done(bench: Bench, out: Path) -> None:
    """Nothing of an episode is a local activity, which is done before any history tells of it: no guard, no entry, no vote."""
    bench.rulebook.add("GuardTold", target="{labels.instance}", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("GuardTold", instance="g-told"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        history = await handle.fetch_history()
    scheduled = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    wanted = ["prepare", "admit", "append", "prepare", "execute", "append"]
    assert [kind for kind in scheduled if kind != "show"] == wanted
    markers = {event.marker_recorded_event_attributes.marker_name for event in history.events}
    assert "core_local_activity" not in markers


async def test_a_cancel_while_guards_are_asked_for_ends_the_attempt(
    bench: Bench, receiver: Receiver, out: Path
) -> None:
    """Temporal's own cancel in the middle of plan, condition and guard: nobody is asked, and the target is free again."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.use_receiver(receiver)
    bench.rulebook.add("GuardCancelled", target="{labels.instance}", when="up == 1", actions=[action])
    bench.source.reload()
    receiver.prometheus([{"instance": "g-cancel"}])
    receiver.answer("/api/v1/query", 200, hold=2)
    async with bench.working():
        handle = await bench.send(bench.alert("GuardCancelled", instance="g-cancel"))
        async with asyncio.timeout(20):
            while not receiver.queries:
                await asyncio.sleep(0.02)
        await handle.cancel()
        await handle.result()
        [end] = await bench.entries_of(handle, "auto_remediation")
        assert end["parts"]["remediation"]["outcome"] == "cancelled"
        assert await bench.entries_of(handle, "approval_quorum_decision") == []
        guard = bench.client.get_workflow_handle(names.target_guard_id("g-cancel"))
        async with asyncio.timeout(20):
            while (await guard.query(names.QUERY_STATUS))["places"]:
                await asyncio.sleep(0.05)
    assert marks(out) == []
