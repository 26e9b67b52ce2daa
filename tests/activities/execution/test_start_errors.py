"""A command that could not start is told apart from one that failed, with the reason."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from activities.execution import supervised
from activities.execution.command import CommandSpec, RunningCommand, run_command
from tests.activities.execution.observing import descriptors, sh, spec, zombies


async def refusal(wanted: CommandSpec) -> str:
    """The start error, after checking that the result says that nothing ran."""
    result = await run_command(wanted)
    assert (result.started, result.exit_code, result.signal, result.timed_out) == (False, None, None, False)
    assert (result.stdout.bytes, result.stderr.bytes, result.lost) == (0, 0, "")
    assert result.start_error
    assert zombies() == []
    return result.start_error


async def test_missing_program() -> None:
    """The error names the program."""
    assert "'/no/such': No such file" in await refusal(spec("/no/such"))


async def test_not_executable(tmp_path: Path) -> None:
    """A file without the execute bit, and a folder, are refused by the system, and the error says what it must be."""
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert "Permission denied; it must be a file that this user may execute" in await refusal(
        spec(f"{tmp_path}/script")
    )
    assert "Permission denied" in await refusal(spec(str(tmp_path)))


async def test_no_interpreter_line(tmp_path: Path) -> None:
    """A text without #! is not handed to a shell, and a missing interpreter is named as a possible reason."""
    script = tmp_path / "script"
    script.write_text("touch pwned\n")
    script.chmod(0o755)
    assert "begin with a #! line" in await refusal(replace(spec(str(script)), cwd=str(tmp_path)))
    script.write_text("#!/no/such/interpreter\n")
    assert "the interpreter in its first line is missing" in await refusal(spec(str(script)))
    assert not (tmp_path / "pwned").exists()


async def test_missing_folder(tmp_path: Path) -> None:
    """The error names the folder the command should have run in."""
    assert f"folder '{tmp_path}/gone'" in await refusal(replace(spec("/bin/true"), cwd=f"{tmp_path}/gone"))


async def test_too_long() -> None:
    """One argument or a whole command line beyond the system's limit is a clean start error."""
    assert "too long for the system" in await refusal(spec("/bin/true", "x" * 200_000))
    assert "too long for the system" in await refusal(spec("/bin/true", *["x" * 1000] * 8000))


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (spec(), "must be an absolute path"),
        (spec("true"), "must be an absolute path, not 'true'"),
        (spec("/bin/true", "a\0b"), "holds a NUL"),
        (spec("/bin/true", "\ud800"), "half of a surrogate pair"),
        (replace(spec("/bin/true"), cwd="/\0"), "holds a NUL"),
        (replace(spec("/bin/true"), env={"A": "\0"}), "holds a NUL"),
        (replace(spec("/bin/true"), env={"A=B": "x"}), "'A=B' cannot be the name"),
        (replace(spec("/bin/true"), env={"": "x"}), "'' cannot be the name"),
    ],
)
async def test_what_no_process_can_be_given(wanted: CommandSpec, reason: str) -> None:
    """Values that the system cannot hand over are refused in words, not passed on changed."""
    assert reason in await refusal(wanted)


@pytest.mark.parametrize("free", range(12))
async def test_no_descriptors_left(free: int) -> None:
    """A worker that runs out of descriptors at any step gets a start error or the result, and leaks none."""
    await run_command(spec("/bin/true"))
    before = descriptors()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 50, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(free):
            os.close(taken.pop())
        result = await run_command(spec("/bin/true"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for fd in taken:
            os.close(fd)
    assert result.exit_code == 0 or "Too many open files" in result.start_error
    assert result.started or free < 11
    assert descriptors() == before
    assert zombies() == []


async def test_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is gone (an upgrade under a running worker) is a start error."""
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert "/no/such/python" in await refusal(spec("/bin/true"))


async def test_a_supervisor_that_cannot_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A supervisor that fails before it reads its request surely started nothing, and its last words are told."""
    broken = tmp_path / "supervisor.py"
    broken.write_text("raise SystemExit('no libc here')\n")
    monkeypatch.setattr(supervised, "SUPERVISOR", broken)
    assert "its supervisor ended (status 1): no libc here" in await refusal(spec("/bin/true"))


async def test_cancelled_before_the_start(tmp_path: Path) -> None:
    """A cancel that comes at once finds nothing started."""
    running = RunningCommand(sh('touch "$1"', f"{tmp_path}/ran"))
    running.request_cancel()
    result = await running.wait()
    assert (result.started, result.cancelled, result.start_error) == (False, True, "cancelled before it started")
    assert not (tmp_path / "ran").exists()


async def test_cancelled_before_the_supervisor_read_its_request(tmp_path: Path) -> None:
    """A cancel that overtakes a slow start is seen before the command is started."""
    running = RunningCommand(sh('touch "$1"', f"{tmp_path}/ran"))
    while running._supervised is None:
        await asyncio.sleep(0)
    running._supervised.process.send_signal(signal.SIGSTOP)
    running.request_cancel()
    running._supervised.process.send_signal(signal.SIGCONT)
    result = await running.wait()
    assert (result.started, result.cancelled, result.start_error) == (False, True, "cancelled before it started")
    assert not (tmp_path / "ran").exists()


async def test_cancelled_at_any_moment_of_the_start(tmp_path: Path) -> None:
    """Whenever the cancel comes, a command that says it did not start has left no trace."""
    for step in range(30):
        ran = tmp_path / str(step)
        running = RunningCommand(sh('touch "$1"; sleep 60', str(ran)))
        await asyncio.sleep(step / 1000)
        running.request_cancel()
        result = await running.wait()
        assert result.cancelled
        assert result.started or not ran.exists()
        assert result.started == (result.signal is not None)
