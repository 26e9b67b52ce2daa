"""The way from an Alertmanager to the APIs: passes notifications on, loses some, and writes down what became of each."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.chaos.listener import Listener, read_message

_PATIENCE = 40.0
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Loss(StrEnum):
    """What is lost on the way."""

    NOTHING = "nothing"
    REQUEST = "request"
    ANSWER = "answer"


@dataclass
class Recorder:
    """A load balancer in front of the APIs (name, port), of which each takes its turn. ``log`` gets a line a delivery."""

    name: str
    to: Sequence[tuple[str, int]]
    log: Path
    port: int = 0
    loss: Loss = Loss.NOTHING
    delay: float = 0.0
    count: int = 0
    _turns: itertools.count[int] = field(default_factory=itertools.count)
    _listener: Listener | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._listener = Listener(self._serve)
        self.port = await self._listener.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await read_message(reader)
        answer = await self._deliver(head, body)
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        else:
            writer.transport.abort()

    async def _deliver(self, head: bytes, body: bytes) -> bytes | None:
        """Bring one notification to an API and return what its sender gets: the answer, or nothing."""
        api, port = self.to[next(self._turns) % len(self.to)]
        record: dict[str, Any] = {"at": time.monotonic(), "from": self.name, "to": api, "status": None, "answer": None}
        record["alerts"] = [
            {name: alert.get(name) for name in ("fingerprint", "status", "startsAt", "labels")}
            for alert in json.loads(body)["alerts"]
        ]
        loss, answer = self.loss, b""
        if self.delay:
            await asyncio.sleep(self.delay)
        if loss is not Loss.REQUEST:
            answer = await _exchange(port, head, body)
        if answer and loss is Loss.NOTHING:
            status, content = _parsed(answer)
            record |= {"status": status, "answer": content}
        record["until"] = time.monotonic()
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.count += 1
        if loss is not Loss.NOTHING:
            return None
        return answer or _BAD_GATEWAY


async def _exchange(port: int, head: bytes, body: bytes) -> bytes:
    """Send one request and return the whole answer, nothing if there is none."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
                writer.write(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
                await writer.drain()
                return b"".join(await read_message(reader))
            finally:
                writer.transport.abort()
    except (asyncio.IncompleteReadError, OSError, TimeoutError):
        return b""


def _parsed(answer: bytes) -> tuple[int, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    return int(head.split(b" ", 2)[1]), content
