"""The life of an episode: cooldown, linger, the stale limit, three attempts. Real lengths, skipped time."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.stack.bench import Bench
from tests.stack.receiver import Receiver
from tests.workflows.test_loop import marking, marks


async def test_flaps_during_cooldown_run_nothing(bench: Bench, out: Path) -> None:
    """Repeats and flaps during the 10 minutes of cooldown are counted and run nothing."""
    bench.rulebook.add("LifeFlap", mode="auto", cooldown="10m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LifeFlap")
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        for _ in range(5):
            await bench.resolve(alert)
            await bench.refire(alert)
        await bench.pass_time(handle, minutes=9)
        status = await bench.status(handle)
        assert (status["state"], status["repeats"]) == ("cooling", 5)
        assert len(marks(out)) == 1


async def test_still_firing_gets_three_attempts_and_then_a_human(bench: Bench, out: Path, receiver: Receiver) -> None:
    """An alert that keeps firing gets a new attempt and a new vote after each cooldown, three at most, then a human is told."""
    bench.rulebook.add("LifeFires", cooldown="10m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    bench.use_receiver(receiver)
    async with bench.working():
        alert = bench.alert("LifeFires", instance="db-7")
        handle = await bench.send(alert)
        approvals = set()
        for attempt in (1, 2, 3):
            waiting = await bench.until(handle, state="awaiting_approval")
            approvals.add(waiting["approval"]["id"])
            await bench.vote(handle, "alice@example.com")
            await bench.until_attempts(handle, attempt)
            await bench.send(bench.again(alert))
            await bench.pass_time(handle, minutes=11)
        assert len(approvals) == 3
        await receiver.until(2)
        assert {request.path for request in receiver.requests} == {"/api/v2/alerts", "/notify"}
        [told] = [request.json for request in receiver.requests if request.path == "/notify"]
        assert (told["reason"], told["key"]) == ("attempts_used_up", alert.key)
        [[raised]] = [request.json for request in receiver.requests if request.path == "/api/v2/alerts"]
        assert raised["labels"]["alertname"] == "LumenNeedsHuman"
        await bench.send(bench.again(alert))
        await bench.pass_time(handle, hours=2)
        assert len(marks(out)) == 3
        assert (await bench.status(handle))["state"] == "watching"


async def test_no_new_attempt_without_news(bench: Bench, out: Path) -> None:
    """After a success nothing runs again unless the alert is heard again, and silence for 26 hours closes the episode."""
    bench.rulebook.add("LifeSilent", mode="auto", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LifeSilent"))
        await bench.until_attempts(handle, 1)
        await bench.pass_time(handle, hours=25, minutes=50)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await bench.pass_time(handle, minutes=20)
        assert (await handle.result())["outcome"] == "remediated"
        assert len(marks(out)) == 1


async def test_linger_takes_in_a_refire(bench: Bench, out: Path) -> None:
    """A re-fire within 10 minutes of the resolve continues the episode; after that the episode has closed."""
    bench.rulebook.add("LifeLinger", mode="auto", cooldown="1m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LifeLinger")
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=9)
        await bench.refire(alert)
        await bench.until_attempts(handle, 2)
        assert len(marks(out)) == 2
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=11)
        assert (await handle.result())["attempts"] == 2


async def test_late_duplicates_start_nothing(bench: Bench, out: Path) -> None:
    """The firing that was resolved, delivered again late by a clustered Alertmanager, is a repeat and no re-fire."""
    bench.rulebook.add("LifeLate", mode="auto", cooldown="1m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LifeLate")
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        await bench.resolve(alert)
        await bench.send(bench.again(alert))
        await bench.pass_time(handle, minutes=12)
        assert (await handle.result())["attempts"] == 1
        assert len(marks(out)) == 1


@pytest.mark.parametrize("decision", ["reject", "cancel"])
async def test_a_no_holds_until_the_alert_fires_anew(bench: Bench, out: Path, decision: str) -> None:
    """After a rejection or a cancel repeats ask nobody again; resolved and fired again, people are asked anew."""
    bench.rulebook.add("LifeNo", cooldown="1m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LifeNo", way=decision)
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        await bench.override(handle, decision)
        await bench.until_attempts(handle, 1)
        await bench.send(bench.again(alert))
        await bench.pass_time(handle, minutes=30)
        assert (await bench.status(handle))["state"] == "watching"
        await bench.resolve(alert)
        await bench.refire(alert)
        await bench.until(handle, state="awaiting_approval")
        assert marks(out) == []


async def test_prometheus_says_it_still_fires(bench: Bench, out: Path, receiver: Receiver) -> None:
    """Without a new notification Prometheus is asked after the cooldown; where the alert fires there, a new attempt runs."""
    bench.rulebook.add("LifeAsk", mode="auto", cooldown="5m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    bench.use_receiver(receiver)
    alert = bench.alert("LifeAsk", instance="db-9", cluster="added-on-sending")
    receiver.prometheus([{"alertname": "LifeAsk", "instance": "db-9", "alertstate": "firing", "__name__": "ALERTS"}])
    async with bench.working():
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        await bench.pass_time(handle, minutes=6)
        await bench.until_attempts(handle, 2)
        assert len(marks(out)) == 2
        receiver.prometheus([])
        await bench.pass_time(handle, minutes=6)
        assert (await bench.until(handle, state="watching"))["attempts"][-1]["n"] == 2


async def test_condition_not_met_is_evaluated_again(bench: Bench, out: Path, receiver: Receiver) -> None:
    """A condition that does not hold ends the attempt; it is evaluated again when the alert is heard again."""
    bench.rulebook.add(
        "LifeCondition", mode="auto", cooldown="1m", when="up == 0", actions=[{"name": "mark", "cmd": marking(out)}]
    )
    bench.source.reload()
    bench.use_receiver(receiver)
    receiver.prometheus([])
    async with bench.working():
        alert = bench.alert("LifeCondition")
        handle = await bench.send(alert)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "condition_not_met"
        receiver.prometheus([{"__name__": "up"}])
        await bench.pass_time(handle, minutes=2)
        assert len((await bench.status(handle))["attempts"]) == 1
        await bench.send(bench.again(alert))
        assert (await bench.until_attempts(handle, 2))["outcome"] == "remediated"
        assert len(marks(out)) == 1


async def test_condition_that_cannot_be_evaluated_blocks(bench: Bench, out: Path, receiver: Receiver) -> None:
    """Prometheus failing is never a no and never a yes: the episode is visibly blocked and goes on when it answers."""
    bench.rulebook.add("LifeBlocked", mode="auto", when="up == 0", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    bench.use_receiver(receiver)
    receiver.fail_prometheus(503)
    async with bench.working():
        handle = await bench.send(bench.alert("LifeBlocked"))
        blocked = await bench.until(handle, state="blocked")
        assert "503" in blocked["state_reason"]
        receiver.prometheus([{"__name__": "up"}])
        await bench.pass_time(handle, minutes=1)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_condition_is_checked_again_after_the_wait(bench: Bench, out: Path, receiver: Receiver) -> None:
    """A condition that no longer holds after the votes cancels the action, and that is recorded."""
    bench.rulebook.add("LifeRecheck", when="up == 0", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    bench.use_receiver(receiver)
    receiver.prometheus([{"__name__": "up"}])
    async with bench.working():
        handle = await bench.send(bench.alert("LifeRecheck"))
        await bench.until(handle, state="awaiting_approval")
        receiver.prometheus([])
        await bench.vote(handle, "alice@example.com")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "condition_not_met"
        kinds = [entry["kind"] for entry in await bench.entries_of(handle)]
        assert kinds == ["approval_quorum_decision", "auto_remediation"]
        assert marks(out) == []
