"""Which process is the demo service now: a file with its pid and its start time, which together name one process for ever."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process; ``started`` is its start in clock ticks since boot, field 22 of ``/proc/PID/stat``."""

    pid: int
    started: int


def of(pid: int) -> Process:
    """Return the running process with this pid; raises ``ProcessLookupError`` if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None
    # The name of the program stands in brackets and may hold anything, brackets too.
    return Process(pid, int(stat.rpartition(")")[2].split()[19]))


def write(path: Path, process: Process) -> None:
    """Replace the file whole, so that a reader never sees half of it."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(f"{process.pid} {process.started}\n", encoding="ascii")
    draft.replace(path)


def read(path: Path) -> Process:
    """Return what the file says; raises ``OSError`` if it is not there, ``ValueError`` if it says something else."""
    pid, started = path.read_text(encoding="ascii").split()
    return Process(int(pid), int(started))
