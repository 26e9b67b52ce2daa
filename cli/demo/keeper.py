"""Keeps the demo service running, as an init system would: `python -m cli.demo.keeper PORT PIDFILE`.

Whenever a signal has ended the service, it starts it again and writes who it is now into the pid file. It ends when it is
asked to, or when the service ends by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import cli.tether
from cli.demo import pidfile

_GRACE = 5.0


def main() -> None:
    """Run the service again and again."""
    port, path = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGTERM, _stop)
    while (code := _run(port, path)) < 0:
        sys.stderr.write(f"the service was ended by {signal.Signals(-code).name}; starting it again\n")
    sys.exit(f"the service ended by itself with exit code {code}")


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _run(port: str, path: Path) -> int:
    tether = (sys.executable, "-I", "-S", cli.tether.__file__, str(os.getpid()))
    process = subprocess.Popen((*tether, sys.executable, "-P", "-m", "cli.demo.service", port))
    try:
        pidfile.write(path, pidfile.of(process.pid))
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_GRACE)


if __name__ == "__main__":
    main()
