"""What a command printed, in bounded memory: the first and the last part, and a digest of everything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activities.execution.hiding import Hider

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Captured:
    """One output stream.

    `head` is everything when nothing was cut; else the first half and `tail` the last half of the cap. Text is UTF-8 with
    backslash escapes for what is not. `bytes` and `sha256` (hex) are of the whole stream, so that a copy kept
    elsewhere can be checked; where secrets are hidden, of the stream with their masks, since a digest of the rest with a
    short secret would tell the secret to whoever tries all of them.
    """

    head: str
    tail: str
    bytes: int
    sha256: str
    truncated: bool

    @property
    def text(self) -> str:
        """Head and tail as one text that says how much is missing between them."""
        if not self.truncated:
            return self.head
        return f"{self.head}\n[… cut: {self.bytes} bytes in all, SHA-256 {self.sha256} …]\n{self.tail}"


class Capture:
    """Takes a stream piece by piece; keeps at most about twice `cap` bytes."""

    def __init__(self, cap: int) -> None:
        self._head_cap = cap - cap // 2
        self._tail_cap = cap // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._hider: Hider | None = None

    def hide(self, secrets: Sequence[str]) -> None:
        """Let none of these through from now on."""
        if secrets:
            self._hider = Hider(secrets)

    def feed(self, data: bytes) -> None:
        """Take in the next piece."""
        self._keep(self._hider.take(data) if self._hider else data)

    def end(self) -> None:
        """Nothing more comes: what may have been the beginning of a secret was not one."""
        if self._hider:
            self._keep(self._hider.rest())

    def _keep(self, data: bytes) -> None:
        self._hash.update(data)
        self._bytes += len(data)
        if (room := self._head_cap - len(self._head)) > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[max(0, len(data) - self._tail_cap) :]
        if len(self._tail) > 2 * self._tail_cap:  # cut rarely: each cut moves the rest
            del self._tail[: len(self._tail) - self._tail_cap]

    def last(self, limit: int) -> str:
        """Return the last part of what has been taken in so far, of at most ``limit`` bytes (less than half the cap)."""
        taken = bytes(self._head[-limit:] + self._tail[-limit:])[-limit:]
        return without_split_start(taken).decode(errors="backslashreplace")

    def captured(self) -> Captured:
        """What has been taken in so far."""
        del self._tail[: max(0, len(self._tail) - self._tail_cap)]
        truncated = self._bytes > len(self._head) + len(self._tail)
        head, tail = bytes(self._head), bytes(self._tail)
        if truncated:
            head, tail = without_split_end(head), without_split_start(tail)
        else:
            head, tail = head + tail, b""
        return Captured(
            head=head.decode(errors="backslashreplace"),
            tail=tail.decode(errors="backslashreplace"),
            bytes=self._bytes,
            sha256=self._hash.hexdigest(),
            truncated=truncated,
        )


def without_split_end(data: bytes) -> bytes:
    """Leave out the beginning of a UTF-8 character that was cut off at the end."""
    for size in range(1, min(3, len(data)) + 1):
        first = data[-size]
        if first & 0xC0 == 0x80:  # a continuation byte: its first byte is further left
            continue
        length = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        return data[:-size] if length > size else data
    return data


def without_split_start(data: bytes) -> bytes:
    """Leave out the end of a UTF-8 character whose beginning was cut off."""
    size = 0
    while size < min(3, len(data)) and data[size] & 0xC0 == 0x80:
        size += 1
    return data[size:]
