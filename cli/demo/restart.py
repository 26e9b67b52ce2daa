"""The remedy of the demo's rule, `python -m cli.demo.restart PIDFILE`: end the process of the file, wait for the next one.

It ends exactly that process: the start time tells it from another one that got its pid. Exit code 0 when a new one runs.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from cli.demo import pidfile

_GRACE = 3.0
_PATIENCE = 10.0
_PAUSE = 0.05


def main() -> None:
    """Restart the service, or end with one line that says why not."""
    path = Path(sys.argv[1])
    try:
        old = pidfile.read(path)
        _end(old)
        new = _next(path, old)
    except (OSError, ValueError) as error:
        sys.exit(f"cannot restart the service of {path}: {error}")
    sys.stdout.write(f"ended process {old.pid}, process {new.pid} runs\n")


def _end(process: pidfile.Process) -> None:
    """End the process with SIGTERM, or SIGKILL if that does not help; one that is gone already is no error."""
    with suppress(ProcessLookupError):
        # The handle pins the process: between the look at its start time and the signal its pid cannot pass on.
        handle = os.pidfd_open(process.pid)
        try:
            if pidfile.of(process.pid) != process:
                return
            for number in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(handle, number)
                if _gone(handle):
                    return
            raise TimeoutError(f"process {process.pid} does not end")
        finally:
            os.close(handle)


def _gone(handle: int) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(_GRACE * 1000))


def _next(path: Path, old: pidfile.Process) -> pidfile.Process:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        new = pidfile.read(path)
        with suppress(ProcessLookupError):
            if new != old and pidfile.of(new.pid) == new:
                return new
        time.sleep(_PAUSE)
    raise TimeoutError(f"no new process within {_PATIENCE:.0f} s")


if __name__ == "__main__":
    main()
