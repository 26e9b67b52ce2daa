"""Commands at their worst: the right outcome each, nothing left behind, the worker small, and an end."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from activities.execution.command import RunningCommand, run_command
from activities.execution.identity import Identity, identify
from activities.execution.leftovers import KEY_VARIABLE
from activities.execution.resources import Resources
from tests.activities.execution.observing import (
    as_root,
    descriptors,
    marked,
    new_mark,
    plain_py,
    sh,
    spec,
    until,
    zombies,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BOMB = """
import os, resource, sys, time
if os.getuid() == 0 or not 0 < resource.getrlimit(resource.RLIMIT_NPROC)[0] <= 100:
    sys.exit(99)  # not here: nothing would bound it
end = time.monotonic() + 25  # whatever the test does
sessions = len(sys.argv) > 1
os.closerange(0, 3)
while time.monotonic() < end:
    try:
        if os.fork() == 0 and sessions:
            os.setsid()
    except OSError:
        time.sleep(0.01)  # full: sixty that only spin would leave the machine to nobody else
"""


def rss() -> int:
    """What this process holds in memory now, in KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """No test leaves a zombie or an open descriptor."""
    before = descriptors()
    yield
    # Fewer is fine: a connection of an earlier test may close meanwhile.
    await until(lambda: descriptors() <= before, "no descriptor is left")
    assert zombies() == []


@pytest.fixture
def nobody() -> Identity:
    """The user with the least rights."""
    return identify("nobody")


# --- processes ------------------------------------------------------------------------------------------------------


@as_root
@pytest.mark.parametrize("arguments", [(), ("sessions",)], ids=["one session", "a session each"])
async def test_a_fork_bomb(nobody: Identity, arguments: tuple[str, ...]) -> None:
    """A command that only makes processes fills its limit, not the machine, and nothing of it outlives its time."""
    mark = new_mark()
    wanted = plain_py(BOMB, *arguments, mark=mark, timeout=3, grace=0.5)
    running = RunningCommand(replace(wanted, identity=nobody, resources=Resources(processes=60)))
    await until(lambda: len(marked(mark)) >= 40, "the bomb went off")
    result = await running.wait()
    assert (result.started, result.timed_out, result.survivors) == (True, True, ())
    assert marked(mark) == set()


@as_root
async def test_a_fork_bomb_that_was_left_behind(nobody: Identity) -> None:
    """A bomb that goes on in other sessions when its command has ended is ended too, in bounded time."""
    mark = new_mark()
    leave = "import os, sys\nif os.fork(): os._exit(3)\n"
    wanted = replace(plain_py(leave + BOMB, "sessions", mark=mark), identity=nobody, resources=Resources(processes=60))
    result = await run_command(wanted)
    assert (result.exit_code, result.survivors) == (3, ())
    assert marked(mark) == set()


@as_root
async def test_a_fork_bomb_whose_supervisor_was_killed(nobody: Identity) -> None:
    """Where the worker has to look for what is left, it ends a bomb as well."""
    mark = new_mark()
    wanted = plain_py(BOMB, "sessions", mark=mark)
    env = {**wanted.env, KEY_VARIABLE: mark}
    running = RunningCommand(replace(wanted, env=env, identity=nobody, resources=Resources(processes=60)))
    await until(lambda: len(marked(mark)) >= 40, "the bomb went off")
    assert running._supervised
    running._supervised.kill()
    assert (await running.wait()).lost
    assert marked(mark) == set()


async def test_everything_at_once() -> None:
    """TERM ignored, sessions, daemons, stopped processes and open output together end as each of them alone does."""
    mark = new_mark()
    script = """
    trap '' TERM HUP INT
    setsid sh -c 'trap "" TERM; sleep 60 & kill -STOP $$' &
    (setsid sh -c 'exec sleep 60' </dev/null >/dev/null 2>&1 &)
    yes >/dev/null &
    yes &
    exec 2>&-
    kill -STOP $$
    while :; do sleep 60; done
    """
    result = await run_command(sh(script, mark=mark, timeout=2, grace=0.5))
    assert (result.started, result.signal, result.timed_out, result.survivors) == (True, signal.SIGKILL, True, ())
    assert marked(mark) == set()


async def test_a_command_that_stops_itself_for_good() -> None:
    """SIGSTOP is no way around the timeout, nor around a cancel."""
    mark = new_mark()
    stopping = "trap '' TERM; while :; do kill -STOP $$; done"
    result = await run_command(sh(stopping, mark=mark, timeout=1.5, grace=0.3))
    assert (result.signal, result.timed_out) == (signal.SIGKILL, True)
    running = RunningCommand(sh("kill -STOP $$; exit 5", mark=mark, grace=0.3))
    assert await running.started()
    running.request_cancel()
    assert (await running.wait()).cancelled
    assert marked(mark) == set()


# --- output ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), ("hunter2-of-production",)], ids=["plain", "with a secret"])
async def test_a_gibibyte_of_output(hidden: tuple[str, ...]) -> None:
    """1 GiB is counted, digested and let go of: the worker grows by a few MiB at most."""
    wanted = replace(spec("/usr/bin/head", "-c", str(1 << 30), "/dev/zero", timeout=200), hidden=hidden)
    await run_command(replace(wanted, argv=("/usr/bin/head", "-c", "1000000", "/dev/zero")))
    gc.collect()
    before = largest = rss()

    def look() -> None:
        nonlocal largest
        largest = max(largest, rss())

    result = await RunningCommand(wanted).wait(look)
    look()
    assert (result.exit_code, result.stdout.bytes, result.stdout.truncated) == (0, 1 << 30, True)
    assert largest - before < 24 << 10  # KiB


async def test_a_flood_that_never_ends() -> None:
    """Output without end and without a newline is ended by the timeout, on both streams."""
    mark = new_mark()
    result = await run_command(sh("cat /dev/zero >&2 & cat /dev/zero", mark=mark, timeout=2, grace=0))
    assert (result.timed_out, result.stdout.truncated, result.stderr.truncated) == (True, True, True)
    assert marked(mark) == set()


async def test_a_secret_is_not_in_any_output() -> None:
    """What was told and captured while it ran and afterwards has the mask, also where two writes make up the secret."""
    secret = "hunter2-of-production"
    script = """
    printf %s "$MARK"; printf hunter2- >&2; sleep 0.3; printf "of-production\\n" >&2
    sleep 2; printf "%.9s" "$MARK"; printf " hun" >&2
    """
    running = RunningCommand(replace(sh(script, mark=secret), hidden=(secret,)))
    await until(lambda: "(redacted)" in running.said(100).get("stderr", ""), "it said it")
    assert running.said(100) == {"stdout": "(redacted)", "stderr": "(redacted)\n"}
    result = await running.wait()
    assert (result.stdout.head, result.stderr.head) == ("(redacted)", "(redacted)\n hun")
    assert secret not in repr(running._spec)


# --- arguments ------------------------------------------------------------------------------------------------------


async def test_arguments_at_the_edge_of_what_the_system_takes() -> None:
    """The longest single argument arrives whole, one byte more is a clear start error, and so is too much in all."""
    longest = 32 * resource.getpagesize() - 1
    counted = await run_command(plain_py("import sys; print(len(sys.argv[1]))", "x" * longest))
    assert counted.stdout.head == f"{longest}\n"
    for arguments in (("x" * (longest + 1),), ("x" * 1000,) * 10_000):
        refused = await run_command(plain_py("", *arguments))
        assert "too long for the system" in refused.start_error


async def test_many_tortured_at_once() -> None:
    """Twenty bad commands at the same time each get their own end."""
    mark = new_mark()
    bad = [
        "exit 3",
        "trap '' TERM; sleep 60 & while :; do sleep 60; done",
        "setsid sleep 60 & exit 4",
        "exec >&- 2>&-; sleep 60",
    ]
    results = await asyncio.gather(*(run_command(sh(each, mark=mark, timeout=4, grace=0.3)) for each in bad * 5))
    assert [(one.exit_code, one.signal, one.timed_out) for one in results[:4]] == [
        (3, None, False),
        (None, signal.SIGKILL, True),
        (4, None, False),
        (None, signal.SIGTERM, True),
    ]
    assert [one.exit_code for one in results] == [one.exit_code for one in results[:4]] * 5
    assert marked(mark) == set()
