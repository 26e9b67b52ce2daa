"""Processes of Lumen without the seconds of their imports: forked from one process that has imported everything.

It is the standard library's fork server. It imports what a worker, an API and proofd import, and nothing happens at
import; so what is forked from it is what ``python -m cli.main`` would be a second of CPU later. It ends with the tests.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

PRELOADED = ["cli.main", "cli.serve", "cli.core_logs", "worker.run", "api.run", "proof.run"]


class Forked:
    """A ``lumen`` command in a session of its own, with what of ``subprocess.Popen`` the tests use."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self._process: BaseProcess = _server().Process(target=_run, args=(list(arguments), dict(env), log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its pid."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, as ``subprocess`` gives it, or nothing while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """Wait for its end and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.

        """
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("lumen", seconds)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is gone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _run(arguments: list[str], env: dict[str, str], log: Path) -> None:
    """Become the command, in the child."""
    os.setsid()
    os.environ.clear()  # noqa: TID251 - the environment of the command, as a service manager gives it
    os.environ.update(env)  # noqa: TID251 - see above
    time.tzset()
    for descriptor, flags, path in (
        (0, os.O_RDONLY, Path(os.devnull)),
        (1, os.O_WRONLY | os.O_APPEND | os.O_CREAT, log),
        (2, os.O_WRONLY | os.O_APPEND | os.O_CREAT, log),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    from cli.main import run  # noqa: PLC0415 - in the parent it is not needed

    sys.exit(run(arguments))
