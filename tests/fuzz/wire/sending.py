"""Requests as bytes and answers as bytes, over one connection that is kept."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_TIMEOUT = 60.0


@dataclass(frozen=True)
class Sent:
    """One request. ``target`` is path and query as they stand on the wire; ``label`` is the operation it was made for."""

    label: str
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Answer:
    """One answer; ``seconds`` is how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Connection(http.client.HTTPConnection):
    """A connection that leaves it to the server to refuse a path."""

    def _validate_path(self, url: str) -> None:
        """Let everything pass that is one line."""


class Wire:
    """A client of one service."""

    def __init__(self, url: str) -> None:
        """Connect at the first request."""
        self._connection = _Connection(str(urlsplit(url).netloc), timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        self._connection.close()

    def send(self, sent: Sent) -> Answer:
        """Send a request and read its answer; status 0 if there is none that can be read, twice."""
        try:
            return self._send(sent)
        except (http.client.HTTPException, OSError):
            self._connection.close()
        began = time.monotonic()
        try:
            return self._send(sent)
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            # No status: the checks tell of it as they do of any other that is not documented.
            return Answer(0, {"content-type": type(error).__name__}, b"", time.monotonic() - began)

    def _send(self, sent: Sent) -> Answer:
        began = time.monotonic()
        headers = {"Connection": "keep-alive", **sent.headers}
        body = sent.body if sent.body or sent.method not in {"GET", "HEAD"} else None
        self._connection.request(sent.method, sent.target, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, content, time.monotonic() - began)
