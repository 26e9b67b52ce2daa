"""One ``lumen up`` a data directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.failure import CommandError


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the data directory for this process; the kernel lets go of it when the process ends, however it ends.

    Raises:
        CommandError: another ``lumen up`` holds it.

    """
    path = folder / "lumen.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode("ascii", "replace").strip()
            raise CommandError(
                f"another `lumen up` (process {holder or 'unknown'}) uses {folder}: "
                "stop it, or set LUMEN_DATA_DIR to another directory"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)
