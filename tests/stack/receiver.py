"""A loopback HTTP server that stands for what Lumen talks to: it checks what it is sent and keeps it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; fails if it is none."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers like Alertmanager, Prometheus, a webhook and a control bus; each path can be made to fail."""

    requests: list[Request] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    port: int = 0
    _series: list[dict[str, str]] = field(default_factory=list)
    _prometheus_status: int = 200
    _statuses: dict[str, int] = field(default_factory=dict)
    _hold: dict[str, float] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def prometheus(self, series: list[dict[str, str]]) -> None:
        """Let instant queries answer with these series."""
        self._series = series
        self._prometheus_status = 200

    def fail_prometheus(self, status: int) -> None:
        """Let instant queries fail with this status."""
        self._prometheus_status = status

    def answer(self, path: str, status: int, *, hold: float = 0.0) -> None:
        """Let ``path`` answer with this status, after ``hold`` seconds."""
        self._statuses[path] = status
        self._hold[path] = hold

    async def until(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many requests (Prometheus' not counted) have come."""
        async with asyncio.timeout(seconds):
            while len(self.requests) < count:
                await asyncio.sleep(0.02)

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, answer = self._answer(Request(method, path, headers, body))
            await asyncio.sleep(self._hold.get(path, 0.0))
            raw = json.dumps(answer).encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + raw
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, request: Request) -> tuple[int, Any]:
        if request.path == "/api/v1/query":
            self.queries.append(parse_qs(request.body.decode())["query"][0])
            result = [{"metric": metric, "value": [0, "1"]} for metric in self._series]
            success = {"status": "success", "data": {"resultType": "vector", "result": result}}
            return self._prometheus_status, success if self._prometheus_status == 200 else {"status": "error"}
        self.requests.append(request)
        return self._statuses.get(request.path, 200), {}
