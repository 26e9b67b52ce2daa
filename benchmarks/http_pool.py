"""A small HTTP/1.1 client: it shares the machine with what it measures, so it must cost little."""

from __future__ import annotations

import asyncio
import contextlib
import json
from types import TracebackType
from typing import Any, Self


class HttpPool:
    """Kept-alive connections to one loopback server; as many as are in use at once."""

    def __init__(self, port: int, token: str) -> None:
        """Nothing is opened yet. ``token`` is sent as bearer."""
        self._port = port
        self._token = token
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        self._idle = []

    async def post(self, path: str, body: bytes) -> Any:
        """Post JSON and return the JSON of the answer. RuntimeError when it is not a 2xx."""
        return await self._request("POST", path, body)

    async def get(self, path: str) -> Any:
        """Return the JSON of the answer. RuntimeError when it is not a 2xx."""
        return await self._request("GET", path, b"")

    async def _request(self, method: str, path: str, body: bytes) -> Any:
        reader, writer = self._kept() or await asyncio.open_connection("127.0.0.1", self._port)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            writer.write(head.encode() + body)
            status, length = parse_head(await reader.readuntil(b"\r\n\r\n"))
            content = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path} answered {status}: {content[:500].decode(errors='replace')}")
        return json.loads(content)

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Return a connection that the server has not closed meanwhile, if there is one."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None


def parse_head(head: bytes) -> tuple[int, int]:
    """Return status and content length of an answer's head. ValueError when it has no length."""
    status, *fields = head.decode("latin-1").split("\r\n")
    for field in fields:
        name, _, value = field.partition(":")
        if name.strip().lower() == "content-length":
            return int(status.split(" ")[1]), int(value)
    raise ValueError(f"an answer without a content length: {status}")
