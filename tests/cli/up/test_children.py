"""Children: tied to their parent, watched, stopped in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import cli.tether
from cli.failure import CommandError
from cli.up.children import Children, Piece, StopRequestedError
from tests.cli.up.conftest import until

TETHER = (sys.executable, "-I", "-S", cli.tether.__file__)


def piece(name: str, script: str, *, ready: str = "", **more: Any) -> Piece:
    """Return a shell script as a piece, ready as soon as the file ``ready`` is there."""

    async def wait() -> None:
        while ready and not Path(ready).exists():
            await asyncio.sleep(0.01)

    return Piece(name, ("/bin/sh", "-c", script), {"PATH": "/usr/bin:/bin"}, wait, **more)


class Told(list[str]):
    """What a person was told."""


@pytest_asyncio.fixture
async def told() -> Told:
    """Nothing yet."""
    return Told()


@pytest_asyncio.fixture
async def children(tmp_path: Path, told: Told) -> AsyncIterator[Children]:
    """Children that are all ended after the test."""
    some = Children(tmp_path, told.append)
    yield some
    some.request_stop()
    some.request_stop()
    await some.stop_all()


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """SIGKILL of the parent ends the child, although nobody is left to end it."""
    code = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([*{TETHER!r}, str(os.getpid()), '/bin/sleep', '600'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes(), "the child did not start")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not Path(f"/proc/{child}").exists(), "the child outlived its parent")


def test_a_child_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    """The parent may die before the child is tied to it; then the program is not run."""
    proof = tmp_path / "ran"
    subprocess.run([*TETHER, "1", "/usr/bin/touch", str(proof)], check=True)
    assert not proof.exists()


def test_a_program_that_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    """A missing program is no traceback."""
    argv = [*TETHER, str(os.getpid()), str(tmp_path / "missing")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"cannot start {tmp_path}/missing: No such file or directory\n"


async def test_a_child_that_ends_is_described(children: Children, tmp_path: Path) -> None:
    """Name, exit code, log and the last lines, JSON lines by message and error."""
    error = json.dumps({"level": "ERROR", "message": "no disk", "error": "Traceback\nOSError: 28"})
    with pytest.raises(CommandError) as caught:
        await children.start(piece("proofd", f"printf '%s\\n' '{error}'; echo last words >&2; exit 3", ready="/never"))
    lines = str(caught.value).splitlines()
    assert lines[0] == f"proofd ended with exit code 3; its log is {tmp_path}/proofd.log, which ends:"
    assert [line.strip() for line in lines[1:]] == ["no disk", "Traceback", "OSError: 28", "last words"]
    assert "last words" in (tmp_path / "proofd.log").read_text()


async def test_a_child_that_is_killed_later_is_named(children: Children) -> None:
    """While everything runs, the end of one ends the wait."""
    await children.start(piece("worker", "kill -9 $$"))
    with pytest.raises(CommandError, match="worker was ended by SIGKILL"):
        await children.until(asyncio.Event().wait())


async def test_a_child_that_does_not_get_ready_is_an_error(children: Children) -> None:
    """The wait is bounded and says how long it was."""
    with pytest.raises(CommandError, match="api is not ready after 0 s"):
        await children.start(piece("api", "exec sleep 600", ready="/never", ready_within=0.2))


async def test_a_grandchild_that_holds_the_pipe_delays_nothing(children: Children, tmp_path: Path) -> None:
    """What a child leaves behind may keep its output open; the end of the child counts."""
    pid = tmp_path / "pid"
    await children.start(piece("worker", f"sleep 600 & echo $! > {pid}; touch {pid}.up; wait", ready=f"{pid}.up"))
    async with asyncio.timeout(30):
        await children.stop_all()
    os.kill(int(pid.read_text()), signal.SIGKILL)


async def test_a_stop_request_ends_a_start(children: Children) -> None:
    """Ctrl-C while something starts does not wait for it."""
    asyncio.get_running_loop().call_later(0.1, children.request_stop)
    with pytest.raises(StopRequestedError):
        await children.start(piece("api", "exec sleep 600", ready="/never"))


async def test_children_stop_one_after_the_other_last_first(children: Children, tmp_path: Path) -> None:
    """Each has ended before the next is told to."""
    order = tmp_path / "order"
    for name in ("temporal", "proofd", "worker", "api"):
        script = f"trap 'echo {name} >> {order}; exit 0' TERM; touch {tmp_path}/{name}; while :; do sleep 0.01; done"
        await children.start(piece(name, script, ready=f"{tmp_path}/{name}"))
    await children.stop_all()
    assert order.read_text().split() == ["api", "worker", "proofd", "temporal"]


async def test_a_child_that_ignores_the_request_is_killed(children: Children, told: Told, tmp_path: Path) -> None:
    """After its grace a child is killed, and that is said."""
    script = f"trap '' TERM; touch {tmp_path}/up; while :; do sleep 0.05; done"
    await children.start(piece("worker", script, ready=f"{tmp_path}/up", grace=0.2))
    await children.stop_all()
    assert told == ["worker did not stop within 0 s: killed"]


async def test_a_second_request_stops_at_once(children: Children, tmp_path: Path) -> None:
    """Ctrl-C again does not wait for the grace."""
    script = f"trap '' TERM; touch {tmp_path}/up; while :; do sleep 0.05; done"
    await children.start(piece("worker", script, ready=f"{tmp_path}/up", grace=600))
    children.request_stop()
    asyncio.get_running_loop().call_later(0.1, children.request_stop)
    async with asyncio.timeout(30):
        await children.stop_all()


async def test_errors_of_a_child_are_shown_once_a_minute(children: Children, told: Told, tmp_path: Path) -> None:
    """An error that a child logs is seen in the terminal; repeated, it does not flood it; other levels stay in the log."""
    line = json.dumps({"level": "ERROR", "message": "Temporal is gone"})
    quiet = json.dumps({"level": "INFO", "message": "quiet"})
    script = f"for i in 1 2 3; do printf '%s\\n' '{line}' '{quiet}'; done; touch {tmp_path}/up; exec sleep 600"
    await children.start(piece("api", script, ready=f"{tmp_path}/up"))
    async with asyncio.timeout(30):
        while not told:
            await asyncio.sleep(0.01)
    await children.stop_all()
    assert told == ["api: Temporal is gone"]


def blocked_signals(pid: int) -> set[int]:
    """Return the signals that a process has blocked (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = int(next(line for line in lines if line.startswith("SigBlk"))[8:], 16)
    return {number for number in range(1, 65) if mask & (1 << (number - 1))}


async def test_the_interrupt_of_a_terminal_does_not_reach_a_child(children: Children, tmp_path: Path) -> None:
    """SIGINT and SIGHUP go to the whole group; the children wait for the word of their parent."""
    code = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    program = (sys.executable, "-c", f"import os; os.chdir({str(tmp_path)!r}); {code}")
    await children.start(replace(piece("worker", "", ready=f"{tmp_path}/pid"), argv=program))
    async with asyncio.timeout(30):
        while not (text := (tmp_path / "pid").read_text()):
            await asyncio.sleep(0.01)
    pid = int(text)
    assert {signal.SIGINT, signal.SIGHUP} <= blocked_signals(pid)
    await children.stop_all()
