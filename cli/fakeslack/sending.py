"""Brings what people do to the app, over HTTP with a signature or over the socket, and notes how it took that."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp

from cli.fakeslack import limits
from cli.fakeslack.signing import signed_headers
from cli.fakeslack.sockets import Envelope, Sockets
from cli.fakeslack.state import State


@dataclass
class Delivery:
    """One interaction and what became of it.

    ``status`` is that of the answer (0 over the socket, or without an answer), ``answer`` its JSON (empty if there is
    none). ``failure`` says why the person sees an error; empty if the app acknowledged in time.
    """

    user: str
    payload: dict[str, Any]
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    status: int = 0
    seconds: float = 0.0
    answer: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    envelope: Envelope | None = None

    @property
    def ok(self) -> bool:
        """Whether the person sees no error."""
        return not self.failure


class Sender:
    """Sends to the app. With a ``request_url`` over HTTP, otherwise over the socket."""

    def __init__(self, state: State, sockets: Sockets, signing_secret: str, ack_within: float) -> None:
        """Give up after ``ack_within`` seconds of real time, as Slack does after three."""
        self._state, self._sockets, self._secret, self._patience = state, sockets, signing_secret, ack_within
        self._session: aiohttp.ClientSession | None = None
        self.request_url = ""
        self.deliveries: list[Delivery] = []

    async def close(self) -> None:
        """End the connections to the app."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, user: str, payload: dict[str, Any]) -> Delivery:
        """Send a payload and return when it is acknowledged or Slack has given up."""
        if not self.request_url:
            return await self._by_socket(Delivery(user, payload))
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = signed_headers(self._secret, body, int(self._state.clock()))
        return await self._by_http(Delivery(user, payload, body, headers))

    async def again(self, old: Delivery) -> Delivery:
        """Send exactly the same bytes, with the same signature, or the same envelope once more: a replay."""
        if old.envelope is None:
            return await self._by_http(Delivery(old.user, old.payload, old.body, old.headers))
        await self._sockets.resend(old.envelope)
        return old

    async def _by_http(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        began, timeout = self._state.clock(), aiohttp.ClientTimeout(total=self._patience)
        try:
            async with self._session.post(
                self.request_url, data=delivery.body, headers=delivery.headers, timeout=timeout, allow_redirects=False
            ) as answer:
                text = await answer.text()
                delivery.status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            delivery.failure = f"no answer: {type(error).__name__}"
        else:
            delivery.answer = _json(text)
            if delivery.status != HTTPStatus.OK:
                delivery.failure = f"HTTP {delivery.status}"
        return self._timed(delivery, self._state.clock() - began, self.request_url)

    async def _by_socket(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)
        began = self._state.clock()
        delivery.envelope = await self._sockets.send(delivery.payload)
        if delivery.envelope is None:
            delivery.failure = "no connection: the app is not there"
            return delivery
        try:
            await asyncio.wait_for(delivery.envelope.acked.wait(), self._patience)
        except TimeoutError:
            delivery.failure = "not acknowledged"
            return self._timed(delivery, self._state.clock() - began, delivery.envelope.id)
        delivery.answer = delivery.envelope.answer
        return self._timed(delivery, delivery.envelope.seconds, delivery.envelope.id)

    def _timed(self, delivery: Delivery, seconds: float, where: str) -> Delivery:
        delivery.seconds = seconds
        if not delivery.failure and seconds > limits.ACK_SECONDS:
            delivery.failure = f"acknowledged after {seconds:.1f} s"
        if delivery.failure.startswith(("no answer", "not acknowledged", "acknowledged after")):
            self._state.blame(where, f"{delivery.payload['type']} of {delivery.user}: {delivery.failure}")
        return delivery


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
