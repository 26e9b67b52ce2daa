"""Finds the program of a command without a shell and without the worker's PATH."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from activities.execution.environment import PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

PYTHON_NAMES = frozenset({"python", "python3"})


def resolve_argv(argv: Sequence[str], root: Path, python: str) -> tuple[str, ...]:
    """Make the program of a command an absolute path; the arguments stay as they are.

    `python` and `python3` are the given interpreter, a relative path stands below `root` (also the folder commands run
    in, so that relative arguments mean the same), a bare name is looked up in the fixed PATH.
    FileNotFoundError if it is nowhere in the PATH, ValueError if there is no program at all.
    """
    if not argv or not argv[0]:
        raise ValueError("a command needs a program")
    program, *arguments = argv
    if program in PYTHON_NAMES:
        program = python
    elif "/" in program:
        program = str(root.absolute() / program)
    else:
        program = look_up(program)
    return (program, *arguments)


def look_up(name: str) -> str:
    """Absolute path of the first executable file of this name in the fixed PATH, else FileNotFoundError."""
    for folder in PATH.split(":"):
        candidate = Path(folder, name)
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    raise FileNotFoundError(errno.ENOENT, f"no such program in {PATH}; write its path", name)
