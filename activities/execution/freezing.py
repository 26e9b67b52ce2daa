"""Stops every descendant of a process, so that what makes new ones all the time can be ended."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # without its enum wrappers, which are a quarter of the start
import os
import time

from activities.execution.processes import children_of, parent_of

ENOUGH = 1.0  # seconds after which whatever has been stopped has to do


def freeze_descendants(ancestor: int) -> None:
    """SIGSTOP until a look finds nothing new: what has stopped makes no more processes.

    Killing alone would not end a command that makes new processes faster than they are killed and never reaches them all.
    """
    stopped: set[int] = set()
    give_up_at = time.monotonic() + ENOUGH
    while (fresh := stop_below(ancestor, stopped)) and time.monotonic() < give_up_at:
        stopped |= fresh


def stop_below(ancestor: int, stopped: set[int]) -> set[int]:
    """Go down from one process and stop what is not stopped yet; what was found new."""
    fresh = set()
    waiting = [ancestor]
    while waiting:
        parent = waiting.pop()
        for pid in children_of(parent):
            if pid not in stopped and pid not in fresh:
                fresh.add(pid)
                stop_child(pid, parent)
            waiting.append(pid)
    return fresh


def stop_child(pid: int, parent: int) -> None:
    """Stop a process through a handle, unless its number means another one by now."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:  # gone
        return
    try:
        if parent_of(str(pid)) == parent:
            signal.pidfd_send_signal(handle, signal.SIGSTOP)
    except OSError:  # gone, or another user's
        pass
    finally:
        os.close(handle)
