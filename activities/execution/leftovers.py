"""Finds and ends what a command left behind when its supervisor was killed and could not do it.

The kernel has then ended the command itself, and its orphans belong to init. Three marks still tell them: the command's
session, an open end of its output pipes, and the idempotency key in the environment they were started with.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_VARIABLE = "LUMEN_IDEMPOTENCY_KEY"


@dataclass(frozen=True, slots=True)
class Marks:
    """What tells the processes of one command: session (0: unknown), pipe inodes, `NAME=value` of its key (empty: none)."""

    session: int
    pipes: frozenset[int]
    key: bytes


def end_marked(marks: Marks, wait: float) -> None:
    """Kill every process with one of the marks until a look finds none, at most `wait` seconds. Blocks.

    They are stopped until a look finds no new ones, and killed then: what makes processes all the time would escape.
    """
    deadline = time.monotonic() + wait
    stopped: set[int] = set()
    while (found := set(marked(marks))) and time.monotonic() < deadline:
        number = signal.SIGKILL if found <= stopped else signal.SIGSTOP
        for pid in found:
            signal_if_marked(pid, marks, number)
        stopped |= found
        if number == signal.SIGKILL:
            time.sleep(0.02)


def marked(marks: Marks) -> Iterator[int]:
    """Pids with one of the marks, this process and ended ones left out."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid() and is_marked(int(entry.name), marks):
            yield int(entry.name)


def signal_if_marked(pid: int, marks: Marks, number: signal.Signals) -> None:
    """Signal through a process handle, looking again once the handle pins the number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        handle = os.pidfd_open(pid)
        try:
            if is_marked(pid, marks):
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def is_marked(pid: int, marks: Marks) -> bool:
    """Whether a live process has one of the marks; no for what is gone or may not be looked at."""
    folder = Path("/proc", str(pid))
    try:
        state, _, _, session, *_ = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        if state in b"ZX" or int(session) == os.getsid(0):  # a command's processes are never in the worker's session
            return False
        if marks.session and int(session) == marks.session:
            return True
        if marks.key and marks.key in (folder / "environ").read_bytes().split(b"\0"):
            return True
        return any(is_writing_end(fd) and fd.stat().st_ino in marks.pipes for fd in (folder / "fd").iterdir())
    except OSError:
        return False


def is_writing_end(fd: Path) -> bool:
    """Whether a link in /proc/<pid>/fd is a pipe open for writing, which the link's own mode shows."""
    try:
        return os.readlink(fd).startswith("pipe:") and bool(fd.lstat().st_mode & 0o200)  # noqa: PTH115  # not a path
    except OSError:
        return False
