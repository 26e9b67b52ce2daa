"""The marks of a command fit its own processes and nobody else."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from activities.execution.leftovers import Marks, end_marked

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sleeper(*, own_session: bool, descriptor: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a descriptor of ours."""
    process = subprocess.Popen(["/bin/sleep", "60"], pass_fds=[descriptor], start_new_session=own_session, env={})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("own_session", "end", "found"),
    [(True, "write", True), (True, "read", False), (False, "write", False)],
)
def test_who_holds_the_output(own_session: bool, end: str, found: bool) -> None:
    """Who can write to the output is the command's, unless it is of the worker's own session; who only reads is not."""
    read, write = os.pipe()
    try:
        with sleeper(own_session=own_session, descriptor={"read": read, "write": write}[end]) as process:
            end_marked(Marks(session=0, pipes=frozenset({os.fstat(write).st_ino}), key=b""), wait=2)
            assert (process.poll() is not None) == found
    finally:
        os.close(read)
        os.close(write)


def test_no_marks_no_kill() -> None:
    """A command that had not even a session marks nobody."""
    with sleeper(own_session=True, descriptor=2) as process:
        end_marked(Marks(session=0, pipes=frozenset(), key=b""), wait=0.1)
        assert process.poll() is None
