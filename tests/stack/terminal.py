"""A person at a terminal: a command on a pseudo-terminal of its own, what it shows, and what is typed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.cli.up.conftest import group_of

PATIENCE = 120.0
CTRL_C = "\x03"
CTRL_D = "\x04"

# What a shell at a terminal does: it is the controlling one of a new session, so that Ctrl-C becomes a signal for all of
# it, and whoever started the tests (nohup, a shell's &) ignores no signal for the command.
_TAKE = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """One command on a terminal of ``columns`` width."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], folder: Path, columns: int) -> None:
        """Start the command in ``folder``."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _TAKE, *argv],
            env=dict(environ),
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def until(self, text: str) -> str:
        """Read until ``text`` has been shown after what was read before; return what was new."""
        begin, deadline = len(self.shown), time.monotonic() + PATIENCE
        while text not in self.shown[begin:]:
            assert time.monotonic() < deadline, f"not shown: {text!r}\n{self.shown}"
            if not self._read(1.0) and self.process.poll() is not None:
                raise AssertionError(f"ended without {text!r}:\n{self.shown}")
        return self.shown[begin:]

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Read all that is left and return the exit code once every process of the terminal is gone."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None or group_of(self.process.pid):
            assert time.monotonic() < deadline, f"left: {group_of(self.process.pid)}\n{self.shown}"
            self._read(0.05)
        while self._read(0.0):
            pass
        return self.process.returncode

    def close(self) -> None:
        """End whatever still runs."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        # Linux answers EIO when nobody has the other end open any more.
        with contextlib.suppress(OSError):
            if chunk := os.read(self._ours, 65536):
                self.shown += chunk.decode().replace("\r\n", "\n")
                return True
        return False


@contextlib.contextmanager
def at_terminal(argv: Sequence[str], environ: Mapping[str, str], folder: Path, columns: int = 80) -> Iterator[Terminal]:
    """Run a command on a terminal while inside."""
    one = Terminal(argv, environ, folder, columns)
    try:
        yield one
    finally:
        one.close()
