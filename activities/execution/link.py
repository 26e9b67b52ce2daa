"""The worker's side of the socket to the supervisor and of the command's output pipes."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activities.execution.capture import Capture
    from activities.execution.model import CommandSpec


def encode_request(spec: CommandSpec) -> bytes:
    """The request as supervisor.py reads it. ValueError says what no process could be given, and quotes no variable."""
    argv, env = spec.argv, spec.env
    if not argv or not os.path.isabs(argv[0]):  # noqa: PTH117  # a string, of which Path would make another string
        raise ValueError(f"the program must be an absolute path, not {argv[0] if argv else 'an empty list'!r}")
    if bad := [name for name in env if not name or "=" in name]:
        raise ValueError(f"{bad[0]!r} cannot be the name of an environment variable")
    who = spec.identity
    identity = " ".join(map(str, (who.uid, who.gid, *who.groups))) if who else ""
    limits = " ".join(":".join(map(str, limit)) for limit in spec.resources.limits)
    fields = [repr(float(spec.timeout)), repr(float(spec.grace)), spec.cwd, identity, limits, str(len(argv)), *argv]
    encoded = [encode(field, repr(field)) for field in fields]
    encoded += [encode(f"{name}={value}", f"the variable {name}") for name, value in env.items()]
    body = b"\0".join(encoded)
    return b"%d\n%s" % (len(body), body)


def encode(field: str, what: str) -> bytes:
    """The bytes of a field; ValueError, about `what`, if no process can be given it."""
    if "\0" in field:
        raise ValueError(f"{what} holds a NUL, which no argument or variable can")
    try:
        return os.fsencode(field)
    except UnicodeEncodeError:
        # Not chained: the error before holds the whole value.
        raise ValueError(f"{what} holds half of a surrogate pair, which has no UTF-8 form") from None


@dataclass(frozen=True, slots=True)
class Ending:
    """How the command itself ended: `how` is exit, signal or lost; `cause` is timeout, cancel or `-`; `seconds` it took."""

    how: str
    number: int
    cause: str
    seconds: float


class SupervisorLink(asyncio.Protocol):
    """Collects what the supervisor tells; the lines are described in supervisor.py."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None
        self.starting = False
        self.failed: tuple[str, int] | None = None
        self.pid: int | None = None
        self.began = loop.time()
        self.ending: Ending | None = None
        self.survivors: tuple[int, ...] | None = None
        self.start_known: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  # what create_unix_connection gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take in whole lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            word, *values = line.decode().split(" ")
            self._note(word, values)

    def _note(self, word: str, values: list[str]) -> None:
        if word == "starting":
            self.starting = True
        elif word == "failed":
            self.failed = (values[0], int(values[1]))
            self._settle(self.start_known)
        elif word == "started":
            self.pid = int(values[0])
            self.began = self._loop.time()
            self._settle(self.start_known)
        elif word == "ended":
            self.ending = Ending(values[0], int(values[1]), values[2], float(values[3]))
        elif word == "done":
            self.survivors = tuple(int(pid) for pid in values)

    def connection_lost(self, exc: Exception | None) -> None:
        """The supervisor is gone."""
        del exc  # a reset only means that it left with a word of ours unread
        self._settle(self.start_known)
        self._settle(self.closed)

    def send(self, data: bytes) -> None:
        """Send, unless the supervisor is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def abandon(self) -> None:
        """Let go of the supervisor: to it this is the worker's death."""
        if self._transport is not None:
            self._transport.abort()

    @staticmethod
    def _settle(future: asyncio.Future[None]) -> None:
        if not future.done():
            future.set_result(None)


class OutputReader(asyncio.Protocol):
    """Feeds one output pipe into its capture."""

    def __init__(self, capture: Capture, loop: asyncio.AbstractEventLoop) -> None:
        self._capture = capture
        self._transport: asyncio.BaseTransport | None = None
        self.closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the pipe."""
        self._transport = transport

    def abandon(self) -> None:
        """Let go of the pipe, whoever still writes to it."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take in the next piece."""
        self._capture.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody holds the other end any more, or we let go."""
        del exc
        self._capture.end()
        if not self.closed.done():
            self.closed.set_result(None)
