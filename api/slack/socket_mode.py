"""Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode/. Clicks come in over a connection that Lumen opens.

The SDK's own client is not used: after a failed handshake it goes on for ever with an address that counts once, it writes
such addresses into the log, and when Slack asks for a new connection it drops what came over the old one. The Web API and
the form of the messages are the SDK's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from api.errors import PayloadError
from api.slack.calls import SlackCalls
from api.slack.errors import ForeignError, SlackRefusedError, SlackUnreachableError

Handler = Callable[[Any], Awaitable[dict[str, Any] | None]]

_CONNECT_SECONDS = 10.0
_STOP_SECONDS = 3.0
_CLOSE_SECONDS = 1.0
_MOST_BYTES = 4 * 1024 * 1024
_log = logging.getLogger("lumen.slack")


@dataclass(frozen=True)
class Patience:
    """Seconds: between two attempts to connect (doubled up to ``longest``), and how long an old connection is still read."""

    first: float = 1.0
    longest: float = 60.0
    refused: float = 300.0
    steady: float = 10.0
    retiring: float = 10.0
    heartbeat: float = 10.0


@dataclass
class _Line:
    """One connection; ``over`` is set when a new one is needed, which may be before this one is closed."""

    socket: aiohttp.ClientWebSocketResponse
    over: asyncio.Event = field(default_factory=asyncio.Event)
    opened: float = field(default_factory=time.monotonic)
    greeted: bool = False
    why: str = "it was closed"


class SocketMode:
    """Keeps one connection to Slack. It is not needed for anything but clicks, so its failures are only logged."""

    def __init__(
        self,
        calls: SlackCalls,
        session: aiohttp.ClientSession,
        handle: Handler,
        connected: Callable[[bool], None] = lambda _: None,
        patience: Patience | None = None,
    ) -> None:
        """``calls`` is Slack by the app's token; ``handle`` takes the payload of an interaction and raises what it refuses."""
        self._calls = calls
        self._session = session
        self._handle = handle
        self._connected = connected
        self._patience = patience or Patience()
        self._current: _Line | None = None
        self._handling: set[asyncio.Task[None]] = set()
        self._reading: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Stay connected until cancelled; then what is being handled is still answered, for up to 3 seconds."""
        pause = 0.0
        try:
            while True:
                await asyncio.sleep(pause * random.uniform(1.0, 1.4))  # noqa: S311  # spreads them # nosec B311
                pause = await self._stay(pause)
        finally:
            await self._stop()

    async def _stay(self, pause: float) -> float:
        """Connect, wait until another connection is needed, and return how long to wait before the next attempt."""
        waits = self._patience
        longer = min(max(waits.first, pause * 2), waits.longest)
        try:
            line = await self._connect()
        except SlackRefusedError as error:
            longer = min(max(waits.first, pause * 2), waits.refused)
            _log.error(  # a wrong setting needs no traceback
                "Slack refuses Socket Mode (%s): check SLACK_APP_TOKEN, its scope connections:write and that Socket Mode is "
                "switched on; the next attempt is in %.0f s",
                error.code,
                longer,
            )
            return longer
        except SlackUnreachableError as error:
            # A little later than Slack said, so that the next attempt is not a moment too early.
            longer = max(longer, error.retry_after + 0.1)
            _log.warning("no connection to Slack: %s; the next attempt is in %.0f s", error, longer)
            return longer
        reading = asyncio.create_task(self._read(line))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        await line.over.wait()
        _log.info("Slack: a new connection is needed: %s", line.why)
        # A connection that lived is replaced at once; one that is ended again and again is not asked for in a hurry.
        lived = line.greeted and time.monotonic() - line.opened >= waits.steady
        return 0.0 if lived and line.why != "link_disabled" else longer

    async def _connect(self) -> _Line:
        answer = await self._calls.call("apps.connections.open", _CONNECT_SECONDS)
        url = answer.get("url")
        if not isinstance(url, str) or not url.startswith(("wss://", "ws://")):
            raise SlackUnreachableError("Slack names no address for Socket Mode")
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                socket = await self._session.ws_connect(
                    url,
                    heartbeat=self._patience.heartbeat,
                    max_msg_size=_MOST_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The address holds a ticket, and these errors quote the address.
            raise SlackUnreachableError(f"the connection was not made: {type(error).__name__}") from None
        self._current = _Line(socket)
        return self._current

    async def _read(self, line: _Line) -> None:
        try:
            async for message in line.socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(line, message.data)
                if line.over.is_set() and line.why != "it was closed":
                    break
            # Slack asked for a new connection: what was on its way over this one still counts.
            async with asyncio.timeout(self._patience.retiring):
                async for message in line.socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        self._take(line, message.data)
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        finally:
            line.over.set()
            if line is self._current:
                self._connected(False)
            await self._answered(self._patience.retiring)
            await line.socket.close()

    def _take(self, line: _Line, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            _log.warning("Slack sent what is not a JSON object over Socket Mode")
            return
        kind = message.get("type")
        if kind == "hello":
            line.greeted = True
            self._connected(True)
            _log.info("Slack: connected by Socket Mode")
        elif kind == "disconnect":
            line.why = str(message.get("reason", ""))[:80] or "Slack asks for it"
            line.over.set()
        elif isinstance(message.get("envelope_id"), str):
            task = asyncio.create_task(self._envelope(line, message))
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)

    async def _envelope(self, line: _Line, message: dict[str, Any]) -> None:
        if not isinstance(message.get("payload"), (dict, str)):
            message = {**message, "payload": {}}
        request = SocketModeRequest.from_dict(message)
        if request is None:
            return
        answer = None
        if request.type == "interactive":
            try:
                answer = await self._handle(request.payload)
            except (ForeignError, PayloadError) as error:
                # Without an acknowledgement Slack shows a warning to whoever clicked.
                _log.warning("an interaction by Socket Mode is refused: %s", error)
                return
            except Exception:  # noqa: BLE001  # the edge of a task that nobody waits for; the connection goes on
                _log.exception("an interaction by Socket Mode failed")
                return
        await self._acknowledge(line, request, answer if request.accepts_response_payload else None)

    async def _acknowledge(self, line: _Line, request: SocketModeRequest, answer: dict[str, Any] | None) -> None:
        text = json.dumps(SocketModeResponse(request.envelope_id, answer).to_dict())
        # Where the connection is gone meanwhile, the one that replaced it is as good.
        for one in dict.fromkeys((id(line), id(self._current))):
            socket = line.socket if one == id(line) else self._current.socket if self._current else None
            if socket is None or socket.closed:
                continue
            try:
                await socket.send_str(text)
            except (aiohttp.ClientError, OSError):
                continue
            return
        _log.warning("an interaction was dealt with, but Slack could not be told in time")

    async def _answered(self, seconds: float) -> None:
        if self._handling:
            await asyncio.wait(self._handling, timeout=seconds)

    async def _stop(self) -> None:
        await self._answered(_STOP_SECONDS)
        left = [*self._handling, *self._reading]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._connected(False)
