"""Files of an export, written or read once from end to end, that know length and SHA-256 of what went by."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Any, Self

from proof.files.reading import open_plain

_BUFFER = 1024 * 1024


class _Counted:
    """A file and the digest of what went through it."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self._file = file
        self._digest = hashlib.sha256()
        self._bytes = 0

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def facts(self) -> dict[str, Any]:
        """Return what a manifest says of the file."""
        return {"bytes": self._bytes, "sha256": self._digest.hexdigest()}

    def _count(self, content: bytes) -> bytes:
        self._digest.update(content)
        self._bytes += len(content)
        return content


class DigestReader(_Counted):
    """An existing plain file; raises ``OSError``."""

    def __init__(self, path: Path) -> None:
        """Open ``path``."""
        super().__init__(path, open_plain(path, _BUFFER))

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._file.close()

    def line(self, limit: int) -> bytes:
        """Return the next line with its line break, or its first ``limit`` bytes; nothing at the end."""
        return self._count(self._file.readline(limit))

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes."""
        return self._count(self._file.read(count))


class DigestWriter(_Counted):
    """A new file, readable by its owner only; on the disk when it is closed. Raises ``OSError``."""

    def __init__(self, path: Path) -> None:
        """Make ``path``, which must not exist."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        super().__init__(path, os.fdopen(descriptor, "wb", buffering=_BUFFER))

    def __exit__(self, *_: object) -> None:
        """Sync and close it."""
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())

    def write(self, content: bytes) -> None:
        """Append ``content``."""
        self._file.write(self._count(content))
