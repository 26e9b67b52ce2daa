"""Guards whose grant never reached the episode: the answer was lost, came late, or was for another plan. They become free."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from activities import guarding
from activities.guarding import Guards, GuardVerdict
from lumen import names
from lumen.messages import PrepareRequest
from lumen.plan import Plan
from tests.stack.bench import PATIENCE, Bench
from tests.stack.receiver import Receiver
from tests.workflows.test_loop import marking, marks


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Let the first answer of the guards be lost, as if the worker were killed then, after something else has happened."""

    def lose(meanwhile: Callable[[], Any]) -> None:
        taken = Guards.take
        calls = itertools.count()

        async def take(
            self: Guards, plan: Plan, request: PrepareRequest, asked_at: datetime | None, until: float
        ) -> GuardVerdict:
            verdict = await taken(self, plan, request, asked_at, until)
            if next(calls) == 0:
                meanwhile()
                raise RuntimeError("the answer is lost")
            return verdict

        monkeypatch.setattr(Guards, "take", take)

    return lose


async def _until_free(bench: Bench, target: str) -> None:
    guard = bench.client.get_workflow_handle(names.target_guard_id(target))
    async with asyncio.timeout(PATIENCE):
        while (await guard.query(names.QUERY_STATUS))["places"]:
            await asyncio.sleep(0.05)


async def test_what_a_lost_answer_granted_is_given_back(
    bench: Bench, receiver: Receiver, out: Path, losing: Callable[[Callable[[], Any]], None]
) -> None:
    """When the worker asks again the condition does not hold any more: the attempt ends, and the target is free."""
    bench.use_receiver(receiver)
    receiver.prometheus([{"instance": "g-lost"}])
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add(
        "GuardAnswerLost", mode="auto", target="{labels.instance}", when="up == 1", cooldown=0, actions=[action]
    )
    assert bench.source.reload() == ""
    losing(lambda: receiver.prometheus([]))
    async with bench.working():
        handle = await bench.send(bench.alert("GuardAnswerLost", instance="g-lost"))
        assert (await bench.until_attempts(handle, 1))["outcome"] == "condition_not_met"
        await _until_free(bench, "g-lost")
    assert marks(out) == []


async def test_what_nobody_knows_of_is_free_after_a_lease(
    bench: Bench, out: Path, losing: Callable[[Callable[[], Any]], None]
) -> None:
    """The rule got another target before the worker asked again: the first is free after its lease, with the episode open."""

    def rule(target: str) -> None:
        action = {"name": "mark", "cmd": marking(out)}
        bench.rulebook.add("GuardForgotten", mode="auto", target=target, cooldown=0, actions=[action])
        assert bench.source.reload() == ""

    rule("g-forgotten")
    losing(lambda: rule("g-other"))
    async with bench.working():
        handle = await bench.send(bench.alert("GuardForgotten"))
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        guard = bench.client.get_workflow_handle(names.target_guard_id("g-forgotten"))
        assert len((await guard.query(names.QUERY_STATUS))["places"]) == 1
        await bench.pass_time(guard, minutes=95)
        await _until_free(bench, "g-forgotten")


async def test_what_a_changed_rule_takes_before_it_acts_is_given_back(bench: Bench, out: Path) -> None:
    """A rule gets a target and a spent budget while people are asked: what was approved takes the target, and gives it back."""
    action = {"name": "mark", "cmd": marking(out)}
    limits = {"max_runs": 1, "per": "1h"}

    def rule(mode: str, **more: Any) -> None:
        bench.rulebook.add("GuardEdited", mode=mode, cooldown=0, actions=[action], **more)
        assert bench.source.reload() == ""

    rule("auto", target="{labels.instance}", limits=limits)
    async with bench.working():
        spender = await bench.send(bench.alert("GuardEdited", instance="g-spent"))
        await bench.until_attempts(spender, 1)
        rule("approve")
        handle = await bench.send(bench.alert("GuardEdited", instance="g-edited"))
        await bench.until(handle, state="awaiting_approval")
        rule("approve", target="{labels.instance}", limits=limits)
        await bench.override(handle, "approve")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "suppressed"
        await _until_free(bench, "g-edited")
    assert len(marks(out)) == 1


async def test_a_worker_that_stood_still_before_the_guards_takes_none(
    bench: Bench, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes to the guards later than it may ask for them: nothing is asked, and whoever is asked next takes them."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("GuardLate", mode="auto", target="{labels.instance}", cooldown=0, actions=[action])
    assert bench.source.reload() == ""
    seconds = [0.0]
    frozen, asked = guarding.FreezeSwitch.reason, []

    async def reason(self: guarding.FreezeSwitch, *, fresh: bool) -> str:
        if not fresh:
            asked.append(seconds[0])
            seconds[0] = 16.0
        return await frozen(self, fresh=fresh)

    monkeypatch.setattr(guarding.FreezeSwitch, "reason", reason)
    monkeypatch.setattr(Guards.__init__, "__defaults__", (lambda: seconds[0],))
    async with bench.working():
        handle = await bench.send(bench.alert("GuardLate", instance="g-late"))
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        guard = bench.client.get_workflow_handle(names.target_guard_id("g-late"))
        history = await guard.fetch_history()
    accepted = [
        event for event in history.events if event.HasField("workflow_execution_update_accepted_event_attributes")
    ]
    assert (asked, len(accepted)) == ([0.0, 16.0], 1)
