"""Calls of Slack's Web API and of response URLs, each bounded in time, with two kinds of failure.

Nothing is retried here: whoever calls knows how much time is left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from api.slack.errors import SlackRefusedError, SlackUnreachableError

_TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"}
_LONGEST_WAIT = 3600.0
_HERE = {"127.0.0.1", "::1", "localhost"}
# ClientError and OSError are what a connection raises; the rest is what the SDK raises on a body that it did not expect.
_BROKEN = (aiohttp.ClientError, OSError, SlackClientError, ValueError, AttributeError, TypeError)


def open_session(base_url: str) -> aiohttp.ClientSession:
    """Return a session for calls to ``base_url``; it goes through the proxy of the environment unless that is this machine."""
    return aiohttp.ClientSession(trust_env=urlsplit(base_url).hostname not in _HERE)


class SlackCalls:
    """Slack by one token."""

    def __init__(self, session: aiohttp.ClientSession, token: str, base_url: str) -> None:
        """``base_url`` is where the methods are, such as ``https://slack.com/api``; ``session`` stays the caller's."""
        logger = logging.getLogger("lumen.slack.sdk")
        # On its debug level the SDK prints whole bodies: people's addresses and the addresses of sockets.
        logger.setLevel(logging.INFO)
        self._session = session
        self._base = urlsplit(base_url)
        self._web = AsyncWebClient(token, base_url=base_url + "/", session=session, logger=logger, retry_handlers=[])
        # The SDK takes a proxy from the environment for every address; the session does so and knows the exceptions.
        self._web.proxy = None
        self._closed_until: dict[str, float] = {}

    async def call(self, method: str, seconds: float, *, verb: str = "POST", **arguments: Any) -> dict[str, Any]:
        """Call ``method`` within ``seconds`` and return its answer, which has ``ok: true``.

        Raises:
            SlackRefusedError: Slack says no.
            SlackUnreachableError: no answer in time, too many calls, or Slack is not well.

        """
        self._check_open(method)
        content: dict[str, Any] = {"params": arguments} if verb == "GET" else {"json": arguments}
        try:
            async with asyncio.timeout(seconds):
                answer = await self._web.api_call(method, http_verb=verb, **content)
        except SlackApiError as error:
            raise self._judged(method, error.response) from None
        except _BROKEN as error:
            raise SlackUnreachableError(f"Slack does not answer {method}: {type(error).__name__}") from None
        return answer.data if isinstance(answer.data, dict) else {}

    async def respond(self, url: str, seconds: float, body: dict[str, Any]) -> None:
        """Post ``body`` to the response URL of an interaction; raises as :meth:`call`."""
        self._check_open("response_url")
        try:
            async with asyncio.timeout(seconds), self._session.post(url, json=body, allow_redirects=False) as response:
                status, headers = response.status, response.headers
        except _BROKEN as error:
            # The address itself is left out: whoever knows it may write in this person's name for 30 minutes.
            raise SlackUnreachableError(f"a response URL does not answer: {type(error).__name__}") from None
        if status == 200:
            return
        if status == 429 or status >= 500:
            raise self._busy("response_url", status, headers)
        raise SlackRefusedError("a response URL", f"HTTP {status}")

    def trusts(self, url: str) -> bool:
        """Return whether ``url`` is an address to which Slack may send us: one of Slack's own, or beside the API."""
        try:
            parts = urlsplit(url)
            beside = (parts.scheme, parts.hostname, parts.port) == (
                self._base.scheme,
                self._base.hostname,
                self._base.port,
            )
        except ValueError:
            return False
        host = parts.hostname or ""
        return beside or (parts.scheme == "https" and host.endswith((".slack.com", ".slack-gov.com")))

    def _check_open(self, method: str) -> None:
        left = self._closed_until.get(method, 0.0) - time.monotonic()
        if left > 0:
            raise SlackUnreachableError(f"Slack takes no call of {method} for another {left:.0f} s", left)

    def _judged(self, method: str, response: Any) -> Exception:
        status = getattr(response, "status_code", getattr(response, "status", 0))
        data = getattr(response, "data", None)
        code = data.get("error", "") if isinstance(data, dict) else ""
        if status == 429 or status >= 500 or not isinstance(code, str) or code in _TRANSIENT or not code:
            return self._busy(method, status, getattr(response, "headers", {}))
        return SlackRefusedError(method, code[:80])

    def _busy(self, method: str, status: int, headers: Any) -> SlackUnreachableError:
        asked = str(headers.get("Retry-After", "")) if status == 429 else ""
        wait = min(float(asked), _LONGEST_WAIT) if asked.isdecimal() else 0.0
        if wait:
            self._closed_until[method] = time.monotonic() + wait
        return SlackUnreachableError(f"Slack does not answer {method} now: HTTP {status}", wait)
