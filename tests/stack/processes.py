"""Child processes of tests: started on free loopback ports, watched, and always ended."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from tests.stack.calling import calls
from tests.stack.forking import Forked

START_SECONDS = 60.0
_OWN = 500
_SLICES = 40


def free_port() -> int:
    """Return a TCP port of the loopback interface that is free now, and that nobody else takes meanwhile.

    It lies below those of outgoing connections, this process has not given it to anything lately, and other processes of
    the tests choose among others.
    """
    for port in itertools.islice(_own_ports(), _OWN):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"none of the {_OWN} ports of this process is free")


def listens(address: str) -> bool:
    """Return whether something takes connections at ``address`` (host:port)."""
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


@functools.cache
def _own_ports() -> Iterator[int]:
    return slice_of_ports()


def slice_of_ports() -> Iterator[int]:
    """Yield ports in turn that no other process of the tests yields, for as long as this iterator is there.

    Raises:
        AssertionError: others have them all.

    """
    for turn in range(_SLICES):
        number = (os.getpid() + turn) % _SLICES
        with (
            contextlib.suppress(OSError),
            (Path(tempfile.gettempdir()) / f"lumen-tests-ports-{number}").open("a") as lock,
        ):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            first = 10_000 + number * _OWN
            yield from itertools.cycle(range(first, first + _OWN))
    raise AssertionError(f"{_SLICES} processes of the tests run already")


def temporal_binary() -> str:
    """Return the Temporal server that the embedded extra installs beside this interpreter."""
    return str(Path(sys.executable).with_name("temporal"))


def lumen_command(*arguments: str) -> list[str]:
    """Return the argv of a ``lumen`` command of this checkout."""
    return [sys.executable, "-m", "cli.main", *arguments]


class Child:
    """One process in its own session, with its output in a file."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        """Remember how to start it; nothing runs yet."""
        self.name = name
        self._argv = list(argv)
        self._env = {"PATH": os.environ["PATH"], "HOME": str(folder), **env}  # noqa: TID251 - tests pass PATH on
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it does not run: never started, or gone."""
        return self._process is None or self._process.poll() is not None

    @property
    def log(self) -> str:
        """Everything that it has printed; while it runs, whole lines only."""
        ended = self.ended
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return text if ended else text[: text.rfind("\n") + 1]

    def start(self) -> None:
        """Start it (again)."""
        self._process = self._launch()

    def _launch(self) -> subprocess.Popen[bytes] | Forked:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._argv, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until(self, url: str, seconds: float = START_SECONDS) -> None:
        """Wait until ``url`` answers 200; fail with the log when it does not, or when the process has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(httpx.HTTPError):
                if calls().get(url, timeout=2).status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{self.name} did not get ready at {url}:\n{self.log[-4000:]}")

    def wait(self, seconds: float = START_SECONDS) -> int:
        """Wait for its end and return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal (SIGKILL) and wait until it is gone; nothing happens if it is gone already."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(START_SECONDS)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(START_SECONDS)

    def pause(self) -> None:
        """Stop it where it is (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)


class LumenChild(Child):
    """A ``lumen`` command that starts without its imports: a third of a second of CPU in place of two."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        """Remember how to start it; ``argv`` is one of :func:`lumen_command`."""
        super().__init__(name, argv, env, folder)
        assert self._argv[: len(lumen_command())] == lumen_command()

    def _launch(self) -> Forked:
        return Forked(self._argv[len(lumen_command()) :], self._env, self._log)
