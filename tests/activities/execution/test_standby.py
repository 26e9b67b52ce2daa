"""A supervisor that waits beforehand changes nothing but the time of a start. All with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from activities.execution.command import CommandResult, CommandSpec, RunningCommand
from activities.execution.standby import Standby
from tests.activities.execution.observing import children, sh, spec

DEADLINE = 20.0


@pytest.fixture
async def standby() -> AsyncIterator[Standby]:
    """A standby whose first supervisor waits, and of which nothing is left afterwards."""
    before = set(children(os.getpid()))
    async with Standby(sh("").capture_bytes) as made:
        await filled(made)
        yield made
    assert set(children(os.getpid())) <= before


async def filled(standby: Standby) -> int:
    """Wait until a supervisor waits; return its pid."""
    give_up = time.monotonic() + DEADLINE
    while standby._ready is None:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)
    return standby._ready.supervised.process.pid


async def run(command: CommandSpec, standby: Standby) -> CommandResult:
    return await RunningCommand(command, standby).wait()


async def test_the_waiting_supervisor_runs_the_command(standby: Standby) -> None:
    """The command is a child of the supervisor that waited, and has the environment, folder and output of its own spec."""
    waiting = await filled(standby)
    command = replace(sh('echo "$PPID $NAME $PWD"; echo err >&2; exit 3'), env={"NAME": "it"}, cwd="/tmp")
    result = await run(command, standby)
    assert result.exit_code == 3
    assert result.stdout.text == f"{waiting} it /tmp\n"
    assert result.stderr.text == "err\n"


async def test_each_command_has_a_supervisor_of_its_own(standby: Standby) -> None:
    """Commands in a row and at once all run, whether one waits for them or not, and never two in one supervisor."""
    parents = []
    for _ in range(3):
        results = await asyncio.gather(*(run(sh("echo $PPID"), standby) for _ in range(3)))
        parents += [result.stdout.text for result in results]
        await filled(standby)
    assert len(set(parents)) == 9


async def test_a_dead_one_is_replaced(standby: Standby) -> None:
    """A waiting supervisor that was killed costs nobody a command."""
    waiting = await filled(standby)
    assert standby._ready is not None
    gone = standby._ready.link.closed
    os.kill(waiting, signal.SIGKILL)
    await asyncio.wait({gone}, timeout=DEADLINE)
    assert (await run(sh("exit 7"), standby)).exit_code == 7
    assert await filled(standby) != waiting


async def test_cancel_and_timeout(standby: Standby) -> None:
    """Cancel and timeout reach a command whose supervisor waited beforehand."""
    running = RunningCommand(sh("sleep 60"), standby)
    await running.started()
    running.request_cancel()
    assert (await running.wait()).cancelled
    await filled(standby)
    assert (await run(sh("sleep 60", timeout=0.2), standby)).timed_out


async def test_cancel_before_the_start(standby: Standby) -> None:
    """Cancelled at once, the command does not start, and its supervisor is not left over."""
    running = RunningCommand(sh("sleep 60"), standby)
    running.request_cancel()
    result = await running.wait()
    assert result.cancelled
    assert not result.started


async def test_what_cannot_be_asked_for_ends_its_supervisor(standby: Standby) -> None:
    """A request that cannot be sent is refused as without a standby, and the supervisor it took ends."""
    waiting = await filled(standby)
    result = await run(spec("relative"), standby)
    assert "absolute path" in result.start_error
    assert waiting not in children(os.getpid())


async def test_other_capture(standby: Standby) -> None:
    """A command that wants another length of output kept starts its own supervisor."""
    waiting = await filled(standby)
    result = await run(replace(sh("echo $PPID"), capture_bytes=standby.capture_bytes + 2), standby)
    assert result.stdout.text != f"{waiting}\n"
    assert await filled(standby) == waiting


async def test_it_ends_with_its_process() -> None:
    """Closed at once, while its first supervisor still starts, a standby leaves no process."""
    before = set(children(os.getpid()))
    async with Standby(1000):
        pass
    assert set(children(os.getpid())) <= before
