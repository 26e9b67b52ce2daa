"""What stands outside of Lumen in a trial: a control bus whose commands leave marks, and a Prometheus that knows what fires."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.chaos.listener import Listener, read_message

_ALERTS = re.compile(r'ALERTS\{alertname="([^"]*)",alertstate="firing"\}')
_CONDITION = re.compile(r'chaos\{file="([^"]*)"\} > 0')
_COMMAND_SECONDS = 0.3


@dataclass
class Outside:
    """One HTTP server that is both; ``failing`` names which of ``bus`` and ``prometheus`` answers with an error."""

    acts: Path
    firing: dict[str, dict[str, str]] = field(default_factory=dict)
    false: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    port: int = 0
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
        asked = head.split(b" ")[1] == b"/api/v1/query"
        status, answer = self._query(body) if asked else await self._command(body)
        raw = json.dumps(answer).encode()
        start = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
        writer.write(start.encode() + b"Connection: close\r\n\r\n" + raw)
        await writer.drain()

    def _query(self, body: bytes) -> tuple[int, Any]:
        if "prometheus" in self.failing:
            return 503, {"status": "error", "error": "a fault of this trial"}
        query = parse_qs(body.decode())["query"][0]
        series: list[dict[str, str]] = []
        if name := _ALERTS.fullmatch(query):
            series = [labels for labels in self.firing.values() if labels["alertname"] == name[1]]
        elif (file := _CONDITION.fullmatch(query)) and file[1] not in self.false:
            series = [{"__name__": "chaos", "file": file[1]}]
        result = [{"metric": metric, "value": [0, "1"]} for metric in series]
        return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}

    async def _command(self, body: bytes) -> tuple[int, Any]:
        if "bus" in self.failing:
            return 500, {"error": "a fault of this trial"}
        command = json.loads(body)
        file = self.acts / command["args"]["file"]
        self._tell(file, command["idempotency_key"], "start")
        await asyncio.sleep(_COMMAND_SECONDS)
        self._tell(file, command["idempotency_key"], "end")
        return 200, {"done": True}

    def _tell(self, file: Path, key: str, word: str) -> None:
        with file.open("a", encoding="utf-8") as out:
            out.write(f"{key} {word} {time.monotonic_ns()} {os.getpid()}\n")
