"""Socket Mode, Slack's side ("Using Socket Mode"): one-time addresses, hello, envelopes, acknowledgements, disconnects."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from cli.fakeslack import limits
from cli.fakeslack.state import APP, State


@dataclass
class Envelope:
    """What was sent and what came back. ``seconds`` is negative until it has been acknowledged."""

    id: str
    payload: dict[str, Any]
    sent: float
    seconds: float = -1.0
    answer: dict[str, Any] = field(default_factory=dict)
    acked: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


class Sockets:
    """The connections of one app. Each envelope goes to one of them, in turn."""

    def __init__(self, state: State) -> None:
        """Keep violations in ``state``."""
        self._state = state
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._requests: dict[web.WebSocketResponse, web.Request] = {}
        self._turn = 0
        self.envelopes: dict[str, Envelope] = {}
        self.opened = 0

    @property
    def connected(self) -> int:
        """How many connections there are."""
        return len(self._open)

    def ticket(self) -> str:
        """Return a ticket that opens one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            self._state.blame("socket", "an address of a socket used twice, or one that nobody was given")
            return web.Response(status=401)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        if len(self._open) >= limits.SOCKETS:
            self._state.blame("socket", f"more than {limits.SOCKETS} connections")
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        self._open.append(socket)
        self._requests[socket] = request
        self.opened += 1
        try:
            await socket.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self._open),
                    "connection_info": {"app_id": APP},
                    "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
                }
            )
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            self._requests.pop(socket, None)
            if socket in self._open:
                self._open.remove(socket)
        return socket

    async def send(self, payload: dict[str, Any], kind: str = "interactive") -> Envelope | None:
        """Send an envelope on one connection and return it at once; None if there is no connection."""
        while self._open:
            socket = self._open[self._turn % len(self._open)]
            self._turn += 1
            envelope = Envelope(secrets.token_hex(16), payload, self._state.clock())
            self.envelopes[envelope.id] = envelope
            body = {"envelope_id": envelope.id, "type": kind, "accepts_response_payload": True, "payload": payload}
            try:
                await socket.send_json(body)
            except ConnectionError:
                # It broke and nobody has noticed yet; Slack takes another connection then.
                if socket in self._open:
                    self._open.remove(socket)
                continue
            return envelope
        return None

    async def resend(self, envelope: Envelope) -> None:
        """Send the same envelope again, with the same id, on one connection."""
        body = {"envelope_id": envelope.id, "type": "interactive", "payload": envelope.payload}
        await self._open[self._turn % len(self._open)].send_json({**body, "accepts_response_payload": True})

    async def disconnect(self, reason: str = "refresh_requested", *, close: bool = True) -> None:
        """Tell every connection to go, as Slack does some times a day; with ``close`` they are closed as well."""
        for socket in tuple(self._open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})
            if close:
                self._open.remove(socket)
                await socket.close()

    def cut(self) -> None:
        """Break every connection without a word."""
        for request in self._requests.values():
            if request.transport is not None:
                request.transport.abort()
        self._open.clear()

    def _acknowledge(self, text: str) -> None:
        try:
            answer = json.loads(text)
            envelope = self.envelopes[answer["envelope_id"]]
        except (ValueError, TypeError, KeyError):
            self._state.blame("socket", f"no acknowledgement of an envelope: {text[:200]}")
            return
        if envelope.acked.is_set():
            self._state.blame(envelope.id, "acknowledged twice")
            return
        envelope.seconds = self._state.clock() - envelope.sent
        envelope.answer = answer.get("payload") or {}
        if envelope.seconds > limits.ACK_SECONDS:
            self._state.blame(envelope.id, f"acknowledged after {envelope.seconds:.1f} s")
        envelope.acked.set()
