"""A TCP proxy of one connection between two parts, that can lose, hold up and delay what passes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import StrEnum

from tests.chaos.listener import Listener

_CHUNK = 65536


class Flow(StrEnum):
    """What a pipe does with what passes.

    ``refuse`` ends every connection at once, ``stall`` keeps everything back until it is over, ``mute`` lets requests
    through and loses the answers, ``slow`` holds each chunk for a moment.
    """

    PASS = "pass"
    REFUSE = "refuse"
    STALL = "stall"
    MUTE = "mute"
    SLOW = "slow"


@dataclass
class Pipe:
    """Listens on a free port of the loopback interface and passes on to ``to_port``."""

    name: str
    to_port: int
    port: int = 0
    flow: Flow = Flow.PASS
    delay: float = 0.0
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _transports: set[asyncio.StreamWriter] = field(default_factory=set)
    _listener: Listener | None = None

    async def start(self) -> None:
        """Listen."""
        self._open.set()
        self._listener = Listener(self._serve)
        self.port = await self._listener.start()

    def stop(self) -> None:
        """Listen no more and end every connection."""
        if self._listener is not None:
            self._listener.stop()
        self.cut()

    def cut(self) -> None:
        """End every connection that is open, without a goodbye."""
        for writer in list(self._transports):
            writer.transport.abort()

    def disturb(self, flow: Flow, delay: float = 0.0) -> None:
        """Change what happens to what passes, from now on and on the connections that are open."""
        lost_something = self.flow is Flow.MUTE
        self.flow, self.delay = flow, delay
        if flow is Flow.STALL:
            self._open.clear()
        else:
            self._open.set()
        if flow is Flow.REFUSE or lost_something:
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transports.add(writer)
        there: asyncio.StreamWriter | None = None
        ways: list[asyncio.Future[None]] = []
        try:
            if self.flow is Flow.REFUSE:
                return
            await self._open.wait()
            answers, there = await asyncio.open_connection("127.0.0.1", self.to_port)
            self._transports.add(there)
            ways += [
                asyncio.ensure_future(self._pass_on(reader, there, answer=False)),
                asyncio.ensure_future(self._pass_on(answers, writer, answer=True)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            # The last bytes of an answer may come after the end of the request.
            await asyncio.wait(ways, timeout=1)
        finally:
            for way in ways:
                way.cancel()
            for one in (writer, there):
                if one is not None:
                    self._transports.discard(one)
                    one.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self.flow is Flow.SLOW:
                    await asyncio.sleep(self.delay)
                await self._open.wait()
                if answer and self.flow is Flow.MUTE:
                    continue
                writer.write(chunk)
                await writer.drain()
            writer.write_eof()
