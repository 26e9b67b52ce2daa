"""Runners: an absent one is told while an action waits for it, and the action starts as soon as it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.runners import Runners
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks


@pytest.mark.parametrize("mode", ["auto", "approve"])
async def test_an_absent_runner_is_told_while_the_action_waits(bench: Bench, out: Path, mode: str) -> None:
    """The reason of the state names the runner and until when it waits; the action runs once a worker serves it."""
    action = {"name": "mark", "cmd": marking(out), "runner": f"edge-{mode}"}
    bench.rulebook.add(f"RunnerAbsent-{mode}", mode=mode, actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(f"RunnerAbsent-{mode}"))
        if mode == "approve":
            await bench.until(handle, state="awaiting_approval")
            await bench.vote(handle, "alice@example.com")
        waiting = await bench.until(handle, state="executing")
        assert f"mark: no worker serves the runner edge-{mode} yet (looked at " in waiting["state_reason"]
        assert waiting["state_reason"].endswith("; waiting for one") is (mode == "auto")
        assert ("; waiting until 20" in waiting["state_reason"]) is (mode == "approve")
        async with bench.runner(f"edge-{mode}"):
            assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert len(marks(out)) == 1


async def test_a_runner_that_is_there_is_not_told(bench: Bench, out: Path) -> None:
    """Where the runner is served, the reason is the action's name."""
    action = {"name": "mark", "cmd": ["/bin/sh", "-c", 'sleep 2; echo >> "$1"', "sh", str(out)], "runner": "edge-there"}
    bench.rulebook.add("RunnerThere", mode="auto", actions=[action])
    bench.source.reload()
    async with bench.working(), bench.runner("edge-there"):
        handle = await bench.send(bench.alert("RunnerThere"))
        assert (await bench.until(handle, state="executing"))["state_reason"] == "mark"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_runners_are_told_apart(bench: Bench) -> None:
    """Of several runners exactly those are named that nobody serves; none where Temporal cannot be asked."""
    async with bench.working():
        assert await Runners(bench.client).unserved(["nobody-2", "default", "nobody-1"]) == ("nobody-1", "nobody-2")
    assert await Runners(bench.client).unserved([]) == ()
