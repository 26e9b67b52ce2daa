"""The log of one child: a file that cannot grow without end, its last lines, and the errors worth showing."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

_LIMIT = 10 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_LAST_LINES = 15
_SAME_AGAIN = 60.0
_SHOWN = frozenset({"ERROR", "CRITICAL"})


class ChildLog:
    """Takes what a child writes. The file is kept under ``limit`` bytes, with one older file (``.1``) beside it."""

    def __init__(self, path: Path, on_error: Callable[[str], None] | None = None, limit: int = _LIMIT) -> None:
        """Append to ``path``; ``on_error`` gets the message of each error that a JSON line reports."""
        self.path = path
        self._limit = limit
        self._on_error = on_error
        self._file = path.open("ab", buffering=0)
        self._partial = b""
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._told: dict[str, float] = {}

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. A full disk costs lines of this log and nothing else: the child must not block."""
        try:
            self._store(chunk)
        except OSError as error:
            self._tell(f"cannot write its log {self.path}: {error.strerror}")
        *lines, rest = (self._partial + chunk).split(b"\n")
        self._partial = rest[-_LONGEST_LINE:]
        for line in lines:
            self._take(line)

    def close(self) -> None:
        """Take the last line, even if it has no end, and close the file."""
        if self._partial:
            self._take(self._partial)
            self._partial = b""
        self._file.close()

    def last_lines(self) -> list[str]:
        """Return the last lines, oldest first; of JSON lines the message and the error."""
        return list(self._last)

    def _store(self, chunk: bytes) -> None:
        if self._file.tell() + len(chunk) > self._limit:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
            self._file.close()
            self._file = self.path.open("ab", buffering=0)
        self._file.write(chunk)

    def _take(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace").rstrip()
        if not line:
            return
        record = _record(line)
        message = str(record.get("message") or record.get("msg") or line)
        error = record.get("error")
        self._last.append(message)
        self._last.extend(str(error).splitlines()[-3:] if error else ())
        if str(record.get("level", "")).upper() in _SHOWN:
            self._tell(message)

    def _tell(self, message: str) -> None:
        now = time.monotonic()
        self._told = {known: at for known, at in self._told.items() if now - at < _SAME_AGAIN}
        if message not in self._told and self._on_error is not None:
            self._on_error(message)
        self._told.setdefault(message, now)


def _record(line: str) -> dict[str, object]:
    if not line.startswith("{"):
        return {}
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
