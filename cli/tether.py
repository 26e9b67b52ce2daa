"""The first thing a child of `lumen up` runs: it ties the child's life to its parent's, then becomes the program.

Started as `python -I -S tether.py PARENT_PID PROGRAM [ARGUMENT…]`, with the standard library alone.

- PR_SET_PDEATHSIG survives exec, so the kernel ends the program when the parent dies, even by SIGKILL. The kernel means
  the parent's thread: children must be started from its main thread.
- The parent may die before prctl is called; then the pid of the parent is no longer the one that was given.
- SIGINT and SIGHUP are blocked: a terminal sends them to the whole process group, but the parent stops its children one
  after the other. (Temporal's server, a Go program, unblocks them; that it may go first is harmless: what ran is in the
  ledger, and the worker reads it there at the next start.)
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            sys.exit(f"cannot tie the process to its parent: {os.strerror(ctypes.get_errno())}")
        if os.getppid() != parent:
            sys.exit(0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGHUP])
    try:
        os.execv(program[0], program)  # noqa: S606  # becoming another program is all this file does
    except OSError as error:
        sys.exit(f"cannot start {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
