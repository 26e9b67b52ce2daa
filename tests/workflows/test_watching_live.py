"""What a page can see of an open episode from outside: the output of what runs, what waits, guards and the freeze switch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from api.episodes import TemporalEpisodes
from api.freezing import AlreadyFrozenError, NotFrozenError, TemporalSwitch
from api.guards import Order, TemporalGuards
from api.ports import Filters
from lumen import names
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking

PATIENCE = 60.0
T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T]], good: Callable[[T], Any]) -> T:
    """Return what ``ask`` returns once it is ``good``; fail with the last answer otherwise."""
    deadline = time.monotonic() + PATIENCE
    while not good(answer := await ask()):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.1)
    return answer


async def test_a_running_command_shows_its_output_without_secrets(bench: Bench, tmp_path: Path) -> None:
    """While it runs, the end of what a command printed can be seen; a secret of Lumen in it cannot."""
    secret = bench.settings.proofd_tokens[0]
    stop = tmp_path / "stop"
    script = f'seq 1 2000; echo "token {secret} used"; echo "problem" >&2; while [ ! -e "$1" ]; do sleep 0.1; done'
    argv = ["/bin/sh", "-c", script, "sh", str(stop)]
    bench.rulebook.add("LiveOutput", mode="auto", actions=[{"name": "talk", "cmd": argv, "timeout": 60}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LiveOutput", instance="db-1"))
        await bench.until(handle, state="executing")
        episodes, key = TemporalEpisodes(bench.client), names.key_of_workflow(handle.id)
        found = await eventually(lambda: episodes.describe(key), lambda found: found.running and found.running[0].told)
        [running] = found.running
        stop.touch()
        await bench.until_attempts(handle, 1)
    assert (running.activity, running.told["action"], running.told["stderr"]) == ("execute", "talk", "problem\n")
    assert running.started_at is not None
    assert running.told["stdout"].endswith("2000\ntoken [redacted] used\n")
    assert len(running.told["stdout"]) <= 2000
    assert secret not in str(running.told)


async def test_a_list_tells_what_an_episode_waits_for(bench: Bench) -> None:
    """A row of the list has people, deadline and quorum of a request while it is open, and nothing of it afterwards."""
    bench.rulebook.add("LiveList", actions=[{"name": "ok", "cmd": ["/bin/true"]}])
    bench.source.reload()
    episodes = TemporalEpisodes(bench.client)

    async def row() -> dict[str, Any]:
        rows = (await episodes.page(Filters(rule="LiveList"), 10, b"")).rows
        return rows[0] if rows else {}

    async with bench.working():
        handle = await bench.send(bench.alert("LiveList", severity="critical"))
        asked = await bench.until(handle, state="awaiting_approval")
        waiting = (await eventually(row, lambda found: found.get("waiting")))["waiting"]
        assert waiting["approval_id"] == asked["approval"]["id"]
        assert waiting["expires_at"] == asked["approval"]["expires_at"]
        assert (sorted(waiting["allow"]), waiting["approve"], waiting["reject"]) == (
            sorted(asked["approval"]["allow"]),
            2,
            1,
        )
        await bench.vote(handle, "alice@example.com", "reject")
        await bench.until_attempts(handle, 1)
        ended = await eventually(row, lambda found: found.get("outcome") == "rejected")
    assert ended["waiting"] is None


async def test_guards_are_found_and_cleared(bench: Bench, tmp_path: Path) -> None:
    """What cools on a target is found with its rule and time, and ends for who says why; unknown names clear nothing."""
    bench.rulebook.add(
        "LiveGuard", mode="auto", target="{labels.instance}", actions=[{"cmd": marking(tmp_path / "out")}]
    )
    bench.source.reload()
    guards = TemporalGuards(bench.client)
    guard = names.target_guard_id("live-guard-host")

    async def cooling() -> dict[str, Any]:
        found = await guards.find()
        return next((one for one in found.guards if one["id"] == guard), {}).get("cooling") or {}

    async with bench.working():
        handle = await bench.send(bench.alert("LiveGuard", instance="live-guard-host"))
        await bench.until_attempts(handle, 1)
        assert list(await eventually(cooling, bool)) == ["LiveGuard"]
        order = Order("alice@example.com", "fixed by hand")
        assert await guards.clear("nothing-is-called-this", order) == []
        assert await guards.clear("live-guard-host", order) == [guard]
        await eventually(cooling, lambda found: not found)


async def test_the_switch_freezes_and_thaws(bench: Bench) -> None:
    """Freezing says by whom and why, twice is refused, and it ends when a worker and the ledger have taken that up."""
    switch = TemporalSwitch(bench.client)
    async with bench.working():
        with pytest.raises(NotFrozenError):
            await switch.unfreeze("alice@example.com", "nothing to do")
        found = await switch.freeze("alice@example.com", "migration")
        assert (found["frozen"], found["actor"], found["reason"]) == (True, "alice@example.com", "migration")
        with pytest.raises(AlreadyFrozenError):
            await switch.freeze("bob@example.com", "again")
        await switch.unfreeze("alice@example.com", "done")
        await eventually(switch.state, lambda found: not found["frozen"])
