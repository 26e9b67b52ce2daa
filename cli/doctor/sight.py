"""Looking at what answers at an address, without any effect on it: one GET, or only a connection."""

from __future__ import annotations

import asyncio
import errno
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import httpx

from cli.causes import plain_cause
from lumen.setting_types import Address

_MOST_BYTES = 4 * 1024 * 1024
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_REFUSED = re.compile(rf"\[Errno {errno.ECONNREFUSED}\]")
NOTHING_LISTENS = plain_cause(ConnectionRefusedError())
NO_CAUSE = plain_cause(Exception())
_PORTS = {"http": 80, "https": 443}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Sighting:
    """What a GET of ``url`` gave: an answer, or in ``trouble`` why there was none, as a person says it.

    ``refused``: nothing listens there. ``sent`` and ``received`` are seconds since the epoch by the clock of this machine.
    """

    url: str
    trouble: str = ""
    refused: bool = False
    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    sent: float = 0.0
    received: float = 0.0

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object of the answer; empty if it is none."""
        try:
            found = httpx.Response(self.status, content=self.body).json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def text(self) -> str:
        """The answer as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def clock_ahead(self) -> float | None:
        """How many seconds the sender's clock is ahead of this machine's, by its Date header (at least that many)."""
        # What a cache kept is as old as it says, so its date tells nothing of now.
        if self.trouble or "age" in self.headers:
            return None
        try:
            stated = parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError):
            return None
        if stated > self.received:
            return stated - self.received
        # The header is cut to whole seconds, and servers keep it for up to one more.
        return min(0.0, stated + 2 - self.sent)


class Eyes:
    """Sends GETs, each within ``seconds``. Redirects are not followed: where they lead is not what was configured."""

    def __init__(self, seconds: float) -> None:
        """Nothing is opened yet."""
        self.seconds = seconds
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    async def get(self, url: str, headers: Mapping[str, str] = NO_HEADERS, *, by_proxy: bool = False) -> Sighting:
        """Look at ``url``. ``by_proxy``: over the proxy of the environment, as the ``lumen`` command goes to an API."""
        return await self._send("GET", url, headers, by_proxy=by_proxy)

    async def post_nothing(self, url: str, headers: Mapping[str, str], *, by_proxy: bool = False) -> Sighting:
        """Post an empty body, for the routes of Lumen itself that refuse one only after they looked at the token."""
        return await self._send("POST", url, headers, by_proxy=by_proxy)

    async def _send(self, method: str, url: str, headers: Mapping[str, str], *, by_proxy: bool) -> Sighting:
        try:
            async with asyncio.timeout(self.seconds):
                return await self._exchange(method, url, headers, by_proxy=by_proxy)
        except (TimeoutError, httpx.TimeoutException):
            return Sighting(url, f"it did not answer within {self.seconds:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            cause = plain_cause(error)
            return Sighting(url, cause if cause != NO_CAUSE else "what answers there does not speak HTTP")

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], *, by_proxy: bool) -> Sighting:
        client = self._client(by_proxy=by_proxy and urlsplit(url).hostname not in _HERE)
        sent = time.time()
        try:
            async with client.stream(method, url, headers=dict(headers)) as answer:
                received = time.time()
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        break
                seen = Sighting(url, status=answer.status_code, headers=answer.headers, body=bytes(body))
                return replace(seen, sent=sent, received=received)
        except httpx.ConnectError as error:
            # httpx keeps the reason to itself when several addresses were tried.
            trouble = await connect(*_place(url), self.seconds) or _reason(error)
            return Sighting(url, trouble, refused=trouble == NOTHING_LISTENS)

    def _client(self, *, by_proxy: bool) -> httpx.AsyncClient:
        if by_proxy not in self._clients:
            self._clients[by_proxy] = httpx.AsyncClient(trust_env=by_proxy, timeout=self.seconds)
        return self._clients[by_proxy]


async def connect(host: str, port: int, seconds: float) -> str:
    """Return nothing if a TCP connection can be made, else why not. Nothing is sent."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no connection within {seconds:g} s"
    except (OSError, ValueError) as error:
        return _reason(error)
    writer.close()
    with suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    return ""


async def connect_url(url: str, seconds: float) -> str:
    """Return nothing if a TCP connection to the host of ``url`` can be made, else why not."""
    return await connect(*_place(url), seconds)


def place(url: str) -> Address:
    """Return host and port of ``url``, without anything secret that it may hold."""
    return Address(*_place(url))


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)


def _reason(error: Exception) -> str:
    # asyncio puts several addresses into one text that no longer says "refused".
    return NOTHING_LISTENS if _REFUSED.search(str(error)) else plain_cause(error)
