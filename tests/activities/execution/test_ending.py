"""Timeout, cancel and leftovers: whatever the command does, it ends and nothing of it stays."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from activities.execution.command import RunningCommand, run_command
from activities.execution.supervised import SUPERVISOR
from tests.activities.execution.observing import children, marked, new_mark, py, runs, sh, until

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for fd in (0, 1, 2): os.close(fd)
time.sleep(60)
"""
BRANCHING = """
import os, time
for level in range(5):
    if os.fork() == 0:
        os.setsid()
    elif level == 0:
        os._exit(5)
time.sleep(60)
"""


async def test_a_timeout_asks_first() -> None:
    """At the timeout the command gets SIGTERM and may still end in order; its own exit code counts."""
    result = await run_command(sh("trap 'echo tidy; exit 3' TERM; sleep 60 & wait", timeout=1.5))
    assert (result.exit_code, result.signal, result.timed_out, result.cancelled) == (3, None, True, False)
    assert result.stdout.head == "tidy\n"
    assert result.duration_sec >= 1.5


async def test_a_command_that_ignores_the_request() -> None:
    """After the grace, SIGKILL ends the whole group."""
    mark = new_mark()
    result = await run_command(
        sh("trap '' TERM; sleep 60 & while :; do sleep 60; done", mark=mark, timeout=1.5, grace=0.3)
    )
    assert (result.exit_code, result.signal, result.timed_out) == (None, signal.SIGKILL, True)
    assert marked(mark) == set()


async def test_no_grace() -> None:
    """A grace of zero is SIGKILL at the timeout."""
    result = await run_command(sh("trap 'exit 0' TERM; sleep 60 & wait", timeout=0.3, grace=0))
    assert (result.signal, result.timed_out) == (signal.SIGKILL, True)


async def test_a_command_that_ends_by_itself_is_not_timed_out() -> None:
    """The timeout of a command that has ended is over, even if its leftovers take longer."""
    result = await run_command(sh("sleep 60 & exit 4", timeout=1))
    assert (result.exit_code, result.timed_out) == (4, False)


async def test_an_end_before_the_timeout_counts_however_late_it_is_seen(tmp_path: Path) -> None:
    """A supervisor that was held up past the timeout does not call a command timed out that had ended before."""
    running = RunningCommand(sh('until [ -e "$1" ]; do sleep 0.05; done; exit 5', f"{tmp_path}/go", timeout=3))
    assert await running.started()
    assert running._supervised
    assert running.pid
    timeout = asyncio.create_task(asyncio.sleep(3))
    running._supervised.process.send_signal(signal.SIGSTOP)
    (tmp_path / "go").touch()
    pid = running.pid
    await until(lambda: not runs(pid), "it ended")
    await timeout
    running._supervised.process.send_signal(signal.SIGCONT)
    result = await running.wait()
    assert (result.exit_code, result.timed_out) == (5, False)


async def test_the_supervisor_keeps_no_output() -> None:
    """The output pipes belong to the command alone once it runs."""
    running = RunningCommand(sh("sleep 60", grace=1))
    assert await running.started()
    assert running._supervised
    for fd in (1, 2):
        assert Path(f"/proc/{running._supervised.process.pid}/fd/{fd}").readlink() == Path("/dev/null")
    running.request_cancel()
    await running.wait()


async def test_a_stopped_command_hears_the_request() -> None:
    """A command stopped by SIGSTOP is woken to take the SIGTERM."""
    result = await run_command(sh("trap 'exit 6' TERM; kill -STOP $$; sleep 60 & wait", timeout=1.5))
    assert (result.exit_code, result.timed_out) == (6, True)


async def test_stopped_children_die() -> None:
    """A stopped process that was left behind is killed like any other."""
    mark = new_mark()
    result = await run_command(sh("sh -c 'kill -STOP $$' & exit 0", mark=mark))
    assert result.exit_code == 0
    assert marked(mark) == set()


@pytest.mark.parametrize("keep", ["", ">/dev/null 2>&1"])
async def test_a_grandchild_of_another_session(keep: str) -> None:
    """A setsid grandchild, holding the output or not, neither survives nor makes the result wait for it."""
    mark = new_mark()
    result = await run_command(sh(f"setsid sh -c 'sleep 60; :' {keep} & echo done", mark=mark))
    assert (result.exit_code, result.stdout.head, result.survivors) == (0, "done\n", ())
    assert marked(mark) == set()


async def test_a_daemon() -> None:
    """A process that forked twice and closed everything is found and killed."""
    mark = new_mark()
    result = await run_command(py(DAEMON, mark=mark))
    assert result.exit_code == 0
    assert marked(mark) == set()


async def test_a_tree_of_sessions() -> None:
    """Thirty-two processes in as many sessions, most of them not our children, are all killed."""
    mark = new_mark()
    running = RunningCommand(py(BRANCHING, mark=mark))
    await until(lambda: len(marked(mark)) > 8, "the tree grew")
    result = await running.wait()
    assert (result.exit_code, result.survivors) == (5, ())
    assert marked(mark) == set()


async def test_leftovers_that_end_soon_may_print() -> None:
    """What the end of a pipeline still prints shortly after the command ended is kept."""
    result = await run_command(sh("(sleep 0.5; echo late) & echo early"))
    assert result.stdout.head == "early\nlate\n"


async def test_a_leftover_that_floods() -> None:
    """A grandchild that writes without end delays the result only by the bounded drain."""
    result = await run_command(sh("yes & exit 2"))
    assert (result.exit_code, result.stdout.truncated) == (2, True)


async def test_orphans_are_reaped_while_the_command_runs() -> None:
    """A long command that makes orphans does not collect zombies."""
    running = RunningCommand(sh("for i in 1 2 3; do (sleep 0 & exit 0); done; exec sleep 60", grace=1))
    assert await running.started()
    assert running._supervised
    supervisor = running._supervised.process.pid
    await until(lambda: Path(f"/proc/{running.pid}/comm").read_text() == "sleep\n", "the orphans were made")
    await until(lambda: children(supervisor) == [running.pid], "the orphans were reaped")
    running.request_cancel()
    assert (await running.wait()).signal == signal.SIGTERM


async def test_cancel_keeps_the_result() -> None:
    """A cancel is SIGTERM with grace; who holds the command gets its result with everything it printed."""
    running = RunningCommand(sh("trap 'echo bye; exit 9' TERM; echo hi; sleep 60 & wait"))
    assert await running.started()
    await until(lambda: running._supervised and running._supervised.stdout.captured().bytes, "it said hi")
    running.request_cancel()
    running.request_cancel()
    result = await running.wait()
    assert (result.exit_code, result.cancelled, result.timed_out) == (9, True, False)
    assert result.stdout.head == "hi\nbye\n"
    assert await running.wait() is result
    running.request_cancel()


async def test_cancelling_a_wait_does_nothing_to_the_command() -> None:
    """The waiting task and the command are two things."""
    running = RunningCommand(sh("sleep 1; echo whole"))
    waiting = asyncio.create_task(running.wait())
    assert await running.started()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await running.wait()).stdout.head == "whole\n"


async def test_cancelling_run_command_ends_the_command_first() -> None:
    """run_command raises CancelledError only when nothing of the command is left, however often it is cancelled."""
    mark = new_mark()
    task = asyncio.create_task(run_command(sh("trap '' TERM; setsid sleep 60 & sleep 60", mark=mark, grace=0.5)))
    await until(lambda: len(marked(mark)) >= 3, "it runs")
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert marked(mark) == set()


async def test_terminal_and_service_signals_do_not_reach_it(tmp_path: Path) -> None:
    """SIGINT, SIGTERM and SIGHUP to the supervisor change nothing: what happens to the command is the worker's word."""
    running = RunningCommand(sh('until [ -e "$1" ]; do sleep 0.05; done; exit 8', f"{tmp_path}/go"))
    assert await running.started()
    assert running._supervised
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        running._supervised.process.send_signal(number)
    (tmp_path / "go").touch()
    assert (await running.wait()).exit_code == 8


async def test_the_supervisor_starts_with_little() -> None:
    """No heavy module sneaks into what every command waits for."""
    script = "import sys; sys.path.append(sys.argv[1]); import activities.execution.following; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", script, str(SUPERVISOR.parents[2])),
        stdout=asyncio.subprocess.PIPE,
    )
    loaded, _ = await process.communicate()
    assert {"re", "enum", "json", "typing", "asyncio", "pathlib", "subprocess", "threading"}.isdisjoint(
        loaded.decode().split()
    )
