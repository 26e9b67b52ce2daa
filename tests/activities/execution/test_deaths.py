"""Whoever is killed, worker or supervisor, the command does not go on unattended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from activities.execution import command
from activities.execution.command import RunningCommand
from activities.execution.leftovers import KEY_VARIABLE
from tests.activities.execution.observing import children, descriptors, marked, new_mark, sh, until, zombies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[3]
WORKER = """
import asyncio, sys
from tests.activities.execution.observing import sh
from activities.execution.command import run_command
script, mark, timeout, grace = sys.argv[1:]
result = asyncio.run(run_command(sh(script, mark=mark, timeout=float(timeout), grace=float(grace))))
print(result.exit_code, result.signal, result.timed_out)
"""
FORKING_WORKER = """
import asyncio, os, sys, time
from tests.activities.execution.observing import sh
from activities.execution.command import RunningCommand
async def main():
    running = RunningCommand(sh("sleep 60", mark=sys.argv[1]))
    await running.started()
    if os.fork() == 0:
        time.sleep(600)
    print("forked", flush=True)
    await running.wait()
asyncio.run(main())
"""
GROUP_AND_SESSIONS = "trap '' TERM; sleep 60 & setsid sh -c 'sleep 60 & sleep 60' >/dev/null 2>&1 & sleep 60"


@asynccontextmanager
async def worker(
    script: str,
    mark: str,
    *,
    timeout: float = 60,  # noqa: ASYNC109  # of the command
    grace: float = 10,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process that runs one command; it leads a group of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, script, mark, str(timeout), str(grace)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # ended, and nobody has noticed yet
                os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def test_a_killed_worker() -> None:
    """SIGKILL of the worker ends the command, its group and its grandchildren in other sessions."""
    mark = new_mark()
    async with worker(GROUP_AND_SESSIONS, mark) as process:
        await until(lambda: len(marked(mark)) >= 6, "everything runs")
        process.kill()
        await process.wait()
        await until(lambda: not marked(mark), "nothing is left")


async def test_a_killed_group_of_the_worker() -> None:
    """SIGKILL of the worker's whole group does not take the supervisor before it has ended the command."""
    mark = new_mark()
    async with worker(GROUP_AND_SESSIONS, mark) as process:
        await until(lambda: len(marked(mark)) >= 6, "everything runs")
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await until(lambda: not marked(mark), "nothing is left")


async def test_a_worker_killed_during_the_grace() -> None:
    """A command in its grace has no grace left once the worker is dead."""
    mark = new_mark()
    async with worker(
        f"trap 'setsid sleep 61 & sleep 62' TERM; {GROUP_AND_SESSIONS[9:]}", mark, timeout=1.5, grace=600
    ) as process:
        await until(lambda: any(name_of(pid) == ["sleep", "62"] for pid in marked(mark)), "it is in its grace")
        process.kill()
        await process.wait()
        await until(lambda: not marked(mark), "nothing is left")


def name_of(pid: int) -> list[str]:
    """Arguments of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


async def test_a_killed_worker_whose_child_kept_the_socket() -> None:
    """A process forked from the worker, which holds a copy of its socket, does not keep the command alive."""
    mark = new_mark()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FORKING_WORKER, mark),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    try:
        assert await process.stdout.readline() == b"forked\n"
        await until(lambda: marked(mark), "it runs")
        process.kill()  # and no wait(): that would wait for the forked process too, which holds standard output
        await until(lambda: not marked(mark), "nothing is left")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def test_a_stopped_worker() -> None:
    """A worker that hangs does not extend the command's time, and learns the result when it goes on."""
    mark = new_mark()
    async with worker("sleep 60", mark, timeout=2) as process:
        await until(lambda: len(marked(mark)) == 2, "it runs")
        process.send_signal(signal.SIGSTOP)
        await until(lambda: not marked(mark), "it ended in time")
        process.send_signal(signal.SIGCONT)
        output, _ = await process.communicate()
        assert output == b"None 15 True\n"


@pytest.mark.parametrize(
    ("start", "output", "variable"),
    [("", ">/dev/null 2>&1", "OTHER"), ("setsid", "", "OTHER"), ("setsid", ">/dev/null 2>&1", KEY_VARIABLE)],
)
async def test_a_killed_supervisor(start: str, output: str, variable: str) -> None:
    """SIGKILL of the supervisor ends the command too, and the result says that its end is not known.

    A grandchild is found by its session, by the output it holds, or by the key in its environment.
    """
    mark = new_mark()
    script = sh(f"echo hi; sleep 60 & {start} sh -c 'sleep 60 & sleep 60' {output} & sleep 60", mark=mark)
    running = RunningCommand(replace(script, env={**script.env, variable: mark}))
    await until(lambda: len(marked(mark)) >= 6, "everything runs")
    assert running._supervised
    running._supervised.kill()
    result = await running.wait()
    assert (result.started, result.exit_code, result.signal) == (True, None, None)
    assert result.lost == "the supervisor ended (status -9) before the command"
    assert result.stdout.head == "hi\n"
    assert marked(mark) == set()
    assert zombies() == []


async def test_both_killed() -> None:
    """The kernel ends the command when its supervisor is killed while the worker can do nothing."""
    mark = new_mark()
    async with worker("exec sleep 60", mark) as process:
        await until(lambda: any(name_of(pid) == ["sleep", "60"] for pid in marked(mark)), "it runs")
        process.send_signal(signal.SIGSTOP)
        supervisors = [pid for pid in children(process.pid) if "-I" in name_of(pid)]
        os.kill(supervisors[0], signal.SIGKILL)
        await until(lambda: not any(name_of(pid) == ["sleep", "60"] for pid in marked(mark)), "the command is gone")
        process.kill()


async def test_a_supervisor_killed_after_the_end() -> None:
    """A result that was told before the supervisor died stays known, and the leftovers are found without it."""
    mark = new_mark()
    running = RunningCommand(sh("setsid sleep 60 & exit 3", mark=mark))
    await until(lambda: running._link.ending, "the command ended")
    assert running._supervised
    running._supervised.kill()
    result = await running.wait()
    assert (result.exit_code, result.lost) == (3, "")
    assert marked(mark) == set()


async def test_a_stopped_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that does nothing any more is killed when it is overdue, and the command with it."""
    monkeypatch.setattr(command, "OVERTIME", 0.3)
    mark = new_mark()
    before = descriptors()
    running = RunningCommand(sh("setsid sleep 60 & sleep 60", mark=mark, timeout=2, grace=0))
    await until(lambda: len(marked(mark)) == 3, "it runs")
    assert running._supervised
    running._supervised.process.send_signal(signal.SIGSTOP)
    result = await running.wait()
    assert (result.started, result.exit_code, result.signal) == (True, None, None)
    assert result.lost == "the supervisor was overdue and was killed"
    assert marked(mark) == set()
    assert (descriptors(), zombies()) == (before, [])


async def test_a_stopped_supervisor_and_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel, too, ends in bounded time, and says that it was one."""
    monkeypatch.setattr(command, "OVERTIME", 0.3)
    mark = new_mark()
    running = RunningCommand(sh("sleep 60", mark=mark, grace=0))
    await until(lambda: marked(mark), "it runs")
    assert running._supervised
    running._supervised.process.send_signal(signal.SIGSTOP)
    running.request_cancel()
    result = await running.wait()
    assert (result.exit_code, result.signal, result.cancelled) == (None, None, True)
    assert result.lost == "the supervisor was overdue and was killed"
    assert marked(mark) == set()


async def test_two_commands_are_told_apart() -> None:
    """Ending what one command left behind touches no other command."""
    marks = new_mark(), new_mark()
    first, second = (RunningCommand(sh("setsid sleep 60 & sleep 60", mark=mark, grace=1)) for mark in marks)
    await until(lambda: [len(marked(mark)) for mark in marks] == [3, 3], "both run")
    assert first._supervised
    first._supervised.kill()
    assert (await first.wait()).lost
    assert [len(marked(mark)) for mark in marks] == [0, 3]
    second.request_cancel()
    assert (await second.wait()).signal == signal.SIGTERM
    assert marked(marks[1]) == set()
