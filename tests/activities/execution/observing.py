"""Looks at real processes from outside, by a mark in the environment they were started with."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from activities.execution.command import CommandSpec
from activities.execution.environment import FIXED
from activities.execution.program import look_up

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = look_up("python3")  # that of the tests may be where only its owner can go
DEADLINE = 30.0  # seconds until a wait in a test counts as failed

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as somebody else")


def sh(script: str, *arguments: str, mark: str = "", timeout: float = 60, grace: float = 10) -> CommandSpec:
    """A shell script as a command; `mark` goes into its environment."""
    return spec("/bin/sh", "-c", script, "sh", *arguments, mark=mark, timeout=timeout, grace=grace)


def py(script: str, *arguments: str, mark: str = "", timeout: float = 60, grace: float = 10) -> CommandSpec:
    """A Python script as a command."""
    return spec(sys.executable, "-I", "-S", "-c", script, *arguments, mark=mark, timeout=timeout, grace=grace)


def plain_py(script: str, *arguments: str, mark: str = "", timeout: float = 60, grace: float = 10) -> CommandSpec:
    """A Python script that any user can run."""
    return spec(PYTHON, "-ISc", script, *arguments, mark=mark, timeout=timeout, grace=grace)


def spec(*argv: str, mark: str = "", timeout: float = 60, grace: float = 10) -> CommandSpec:
    """Any program as a command."""
    env = {**FIXED, **({"MARK": mark} if mark else {})}
    return CommandSpec(argv=argv, env=env, cwd="/", timeout=timeout, grace=grace)


def new_mark() -> str:
    """A value that no other process has."""
    return uuid.uuid4().hex


def marked(mark: str) -> set[int]:
    """Pids of the living processes that were started with this mark."""
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and has_mark(entry, mark)}


def has_mark(folder: Path, mark: str) -> bool:
    """Whether a process that still runs was started with the mark."""
    try:
        return f"MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0") and not ended(folder)
    except OSError:
        return False


def ended(folder: Path) -> bool:
    """Whether a process is only a zombie any more."""
    return (folder / "stat").read_bytes().rpartition(b")")[2].split()[0] in b"ZX"


def runs(pid: int) -> bool:
    """Whether there is such a process and it has not ended."""
    try:
        return not ended(Path("/proc", str(pid)))
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """Pids of a process's children, zombies included."""
    found: list[int] = []
    for task in Path("/proc", str(pid), "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def descriptors() -> int:
    """How many descriptors this process has open, without those that nobody can reach any more."""
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def zombies() -> list[int]:
    """Own children that have ended and that nobody has waited for."""
    return [pid for pid in children(os.getpid()) if not runs(pid)]


async def until(condition: Callable[[], object], claim: str) -> None:
    """Poll until the condition holds; fail with the claim at the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, claim
        await asyncio.sleep(0.02)
