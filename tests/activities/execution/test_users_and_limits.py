"""A command runs as the user and within the limits that its action names, and nothing starts where that cannot be."""

from __future__ import annotations

import asyncio
import os
import pwd
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from activities.execution.command import RunningCommand, run_command
from activities.execution.identity import Identity, IdentityError, identify
from activities.execution.resources import CPU_OVERTIME, Resources
from tests.activities.execution.observing import (
    DEADLINE,
    PYTHON,
    as_root,
    marked,
    new_mark,
    plain_py,
    sh,
    spec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITED_WORKER = """
import asyncio, dataclasses, resource
from activities.execution.command import run_command
from activities.execution.resources import Resources
from tests.activities.execution.observing import spec
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40))
wanted = dataclasses.replace(spec("/bin/bash", "-c", "ulimit -Hf"), resources=Resources(file_size=1 << 50))
print(asyncio.run(run_command(wanted)).stdout.head)
"""

WHO = """
import os, resource
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(os.getresuid(), os.getresgid(), os.getgroups(), status["CapEff"].strip(), status["CapPrm"].strip())
for path in ("/dev/stdout", "/dev/stderr"):
    open(path, "w").write("x")
"""


def wait_blocking(condition: Callable[[], bool]) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def nobody() -> Identity:
    """The user with the least rights."""
    return identify("nobody")


@as_root
async def test_another_user(nobody: Identity) -> None:
    """The command is that user, its group and nothing else, has no capability, and can open its output anew."""
    result = await run_command(replace(plain_py(WHO), identity=nobody))
    uid, gid = nobody.uid, nobody.gid
    said = f"({uid}, {uid}, {uid}) ({gid}, {gid}, {gid}) [] 0000000000000000 0000000000000000"
    assert (result.exit_code, result.stderr.head) == (0, "x")
    assert result.stdout.head.replace("x", "").strip() == said


@as_root
async def test_groups_are_those_that_were_given() -> None:
    """Supplementary groups are only those that the action names."""
    result = await run_command(replace(spec("/usr/bin/id", "-Gn"), identity=identify("nobody", ["adm", "tty"])))
    assert sorted(result.stdout.head.split()) == ["adm", "nogroup", "tty"]


@as_root
async def test_a_killed_supervisor_takes_another_users_command_along(nobody: Identity) -> None:
    """The change of user does not take back that the command dies with its supervisor."""
    mark = new_mark()
    running = RunningCommand(replace(spec("/bin/sleep", "60", mark=mark), identity=nobody))
    assert await running.started()
    assert running._supervised
    running._supervised.kill()
    wait_blocking(lambda: not marked(mark))  # not awaited: the worker, which would look for what is left, gets no turn
    assert (await running.wait()).lost


@as_root
async def test_what_the_user_may_not(nobody: Identity, tmp_path: Path) -> None:
    """A folder or a program that is closed to the user is a start error that names the user."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    result = await run_command(replace(spec("/bin/true"), cwd=str(closed), identity=nobody))
    assert result.start_error == f"cannot enter the folder '{closed}' as nobody: Permission denied"
    result = await run_command(replace(spec(f"{closed}/x"), identity=nobody))
    assert result.start_error.startswith(f"cannot execute '{closed}/x' as nobody: Permission denied")


@as_root
def test_an_unknown_user_or_group() -> None:
    """The error names who is missing, before anything starts."""
    with pytest.raises(IdentityError, match="no user nobodyy on this machine"):
        identify("nobodyy")
    with pytest.raises(IdentityError, match="no group nobodyy on this machine"):
        identify("nobody", ["nobodyy"])


def test_a_worker_that_is_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root can become somebody else; the error says who it is and what to do instead."""
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    with pytest.raises(IdentityError, match="this one runs as nobody: run a worker as daemon"):
        identify("daemon")


@pytest.mark.parametrize(("uid", "gid"), [(2**32 - 1, 0), (0, 2**32 - 1), (65534, 2**32 - 1)])
async def test_a_user_that_the_system_does_not_take(uid: int, gid: int) -> None:
    """Where the change does not happen nothing runs: the number -1 would leave the command with the rights of root."""
    result = await run_command(replace(spec("/bin/true"), identity=Identity("x", uid, gid, (), "/")))
    assert not result.started
    assert result.start_error.startswith("cannot become the user x: ")


@as_root
async def test_no_room_for_one_more_process(nobody: Identity) -> None:
    """A limit below what the user runs already is a start error that says so."""
    mark = new_mark()
    first = RunningCommand(replace(spec("/bin/sleep", "60", mark=mark, grace=0), identity=nobody))
    assert await first.started()
    result = await run_command(replace(spec("/bin/true"), identity=nobody, resources=Resources(processes=1)))
    assert "its user has more processes already than `processes` allows" in result.start_error
    first.request_cancel()
    await first.wait()
    assert marked(mark) == set()


async def test_the_memory_limit() -> None:
    """A program that wants more is refused the memory; the worker's own is not touched."""
    script = "try:\n x = bytearray(600 << 20)\nexcept MemoryError:\n raise SystemExit(7)"
    wanted = plain_py(script)
    assert (await run_command(replace(wanted, resources=Resources(memory=400 << 20)))).exit_code == 7
    assert (await run_command(wanted)).exit_code == 0


async def test_a_memory_limit_in_which_no_program_starts() -> None:
    """A limit that is too small for the program itself is a failure like any other."""
    result = await run_command(replace(spec(PYTHON, "-c", "1"), resources=Resources(memory=3 << 20)))
    assert result.start_error or result.exit_code or result.signal
    assert not result.lost


async def test_the_cpu_limit() -> None:
    """Processor time is bounded by a signal that a program may catch, and then by one that it may not."""
    began = time.monotonic()
    result = await run_command(replace(sh("while :; do :; done"), resources=Resources(cpu=1)))
    assert (result.signal, result.timed_out) == (signal.SIGXCPU, False)
    result = await run_command(replace(sh("trap '' XCPU; while :; do :; done"), resources=Resources(cpu=1)))
    assert (result.signal, result.timed_out) == (signal.SIGKILL, False)
    assert time.monotonic() - began >= 1 + CPU_OVERTIME


async def test_the_file_size_limit(tmp_path: Path) -> None:
    """No file grows beyond the limit; output is no file."""
    wanted = replace(
        spec("/bin/dd", "if=/dev/zero", f"of={tmp_path}/big", "bs=1k", "count=9000"),
        resources=Resources(file_size=1 << 20),
    )
    assert (await run_command(wanted)).signal == signal.SIGXFSZ
    assert (tmp_path / "big").stat().st_size == 1 << 20
    result = await run_command(replace(wanted, argv=("/usr/bin/head", "-c", "9000000", "/dev/zero")))
    assert (result.exit_code, result.stdout.bytes) == (0, 9000000)


async def test_limits_are_inherited_and_core_dumps_are_off() -> None:
    """What the command starts has the same limits; a limit that was not given is that of the worker."""
    script = "for what in c f t v n; do (ulimit -$what); done"
    wanted = spec("/bin/bash", "-c", script)
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    limits = Resources(memory=512 << 20, cpu=1.5, file_size=1 << 20)
    said = (await run_command(replace(wanted, resources=limits))).stdout.head.split()
    assert said == ["0", "1024", "2", str(512 << 10), str(own)]
    assert (await run_command(wanted)).stdout.head.split()[:4] == ["0", "unlimited", "unlimited", "unlimited"]


async def test_the_workers_own_limit_is_not_raised() -> None:
    """A limit that the worker has itself stays, whatever the action says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LIMITED_WORKER), cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert said.split() == [str(1 << 30).encode()]
