"""Opening files that somebody else may have put there: neither a pipe nor a device can hold up who reads them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotPlainError(OSError):
    """What is there is a directory, a pipe, a socket or a device."""


def open_plain(path: Path, buffering: int = -1) -> BinaryIO:
    """Open a plain file, or a link to one, for reading; raises ``OSError``, ``NotPlainError`` for anything else.

    It never waits: a pipe without a writer would keep an ordinary open for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb", buffering)
    os.close(descriptor)
    raise NotPlainError(errno.EINVAL, "it is no plain file", str(path))


def read_plain(path: Path, limit: int) -> bytes:
    """Return the content of a plain file; raises ``OSError`` as ``open_plain``, and if it has more than ``limit`` bytes."""
    with open_plain(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than the {limit} bytes that it may have", str(path))
    return content
