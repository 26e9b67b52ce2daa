"""Calls to Slack: one HTTP session, a limit of time, failures sorted, each call counted. Nothing is tried again here."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
from prometheus_client import Counter
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from activities.notification.errors import Kind, SlackError, kind_of
from activities.notification.methods import WEBHOOK
from activities.notification.pace import Pace

_LOG = logging.getLogger("lumen.slack")
_PAUSE = 30.0  # seconds; Slack says with every 429 how long, this is for a proxy that does not
_LONGEST_PAUSE = 600.0
_LONGEST_CODE = 60


class SlackCalls:
    """``requests`` counts by ``method`` and ``outcome``. The session is opened by the first call."""

    def __init__(
        self, token: str, base_url: str, requests: Counter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._token = token
        self._base = base_url.rstrip("/") + "/"
        self._requests = requests
        self._session: aiohttp.ClientSession | None = None
        self._pace = Pace(clock)

    async def close(self) -> None:
        """End every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, method: str, body: dict[str, Any], seconds: float) -> Mapping[str, Any]:
        """Call a method that does something, with ``body`` as JSON, for at most so many ``seconds``; return the answer.

        Raises:
            SlackError: it was not done, or (``done``) may have been done.

        """
        return await self._call(method, str(body.get("channel", "")), seconds, json=body)

    async def ask(self, method: str, params: dict[str, Any], seconds: float) -> Mapping[str, Any]:
        """Call a method that reads, as :meth:`send`."""
        return await self._call(method, "", seconds, http_verb="GET", params=params)

    async def hook(self, url: str, body: dict[str, Any], seconds: float) -> None:
        """Post ``body`` to an incoming webhook, as :meth:`send`. The address is a secret: it is in no error and no log."""
        self._check_pace(WEBHOOK, WEBHOOK)
        limit = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._open().post(url, json=body, timeout=limit, allow_redirects=False) as answer:
                text = (await answer.content.read(1000)).decode("utf-8", "replace").strip()
                if answer.status == HTTPStatus.OK:
                    self._requests.labels(WEBHOOK, "ok").inc()
                    return
                raise self._refused(WEBHOOK, WEBHOOK, answer.status, text, answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, OSError) as error:
            raise self._unanswered(WEBHOOK, error) from None

    async def _call(self, method: str, channel: str, seconds: float, **arguments: Any) -> Mapping[str, Any]:
        lane = f"{method} {channel}"
        self._check_pace(method, lane)
        # The client is made anew each time because it has no other place for a limit of time; the session is shared.
        client = _LimitedClient(self._token, self._base, self._open(), seconds)
        try:
            answer = (await client.api_call(method, **arguments)).data
        except SlackApiError as error:
            raise self._refused_by(method, lane, error) from None
        except (aiohttp.ClientError, SlackClientError, OSError) as error:
            raise self._unanswered(method, error) from None
        except (AttributeError, TypeError, ValueError) as error:
            # The SDK takes for granted that a 200 holds a JSON object, which a proxy's own page does not.
            raise self._unanswered(method, error) from None
        self._requests.labels(method, "ok").inc()
        return answer if isinstance(answer, dict) else {}

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(trust_env=False)
        return self._session

    def _check_pace(self, method: str, lane: str) -> None:
        if seconds := self._pace.wait(lane):
            self._requests.labels(method, Kind.LIMITED).inc()
            raise SlackError(Kind.LIMITED, "ratelimited", retry_after=seconds)

    def _refused_by(self, method: str, lane: str, error: SlackApiError) -> SlackError:
        response: Any = error.response
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
        data = getattr(response, "data", None)
        found = data if isinstance(data, dict) else {}
        headers = getattr(response, "headers", None) or {}
        if found.get("error") and kind_of(str(found["error"])) is Kind.MALFORMED:
            # Slack says with JSON pointers what is wrong; no text of the message is in them.
            hints = json.dumps(found.get("response_metadata"))[:500]
            _LOG.error("Slack does not take a message: %s %s", _code(found["error"]), hints)
        return self._refused(method, lane, status, str(found.get("error", "")), headers.get("Retry-After", ""))

    def _refused(self, method: str, lane: str, status: int, code: str, retry_after: str) -> SlackError:
        code = _code(code)
        if status == HTTPStatus.TOO_MANY_REQUESTS or (code and kind_of(code) is Kind.LIMITED):
            wanted = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else _PAUSE
            found = SlackError(Kind.LIMITED, "ratelimited", retry_after=self._pace.slow_down(lane, _bounded(wanted)))
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or not code:
            # Behind a gateway that answers 502 Slack may well have taken the message.
            found = SlackError(Kind.DOWN, f"http_{status}", done=True)
        else:
            kind = kind_of(code)
            found = SlackError(kind, code, done=kind is Kind.DOWN)
        self._requests.labels(method, found.kind).inc()
        return found

    def _unanswered(self, method: str, error: Exception) -> SlackError:
        self._requests.labels(method, Kind.DOWN).inc()
        # Before there is a connection nothing can have been done.
        return SlackError(Kind.DOWN, type(error).__name__, done=not isinstance(error, aiohttp.ClientConnectorError))


class _LimitedClient(AsyncWebClient):
    """The SDK's client without what it does by itself: it neither tries again nor takes a proxy from the environment."""

    def __init__(self, token: str, base_url: str, session: aiohttp.ClientSession, seconds: float) -> None:
        # A broken connection is tried again by default, and then a message that was posted is posted twice.
        super().__init__(token, base_url, session=session, retry_handlers=[])
        self.proxy = None
        self._limit = aiohttp.ClientTimeout(total=seconds)

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        # With a session of its own the SDK does not look at its `timeout`.
        limited = {**req_args, "timeout": self._limit, "allow_redirects": False}
        return await super()._request(http_verb=http_verb, api_url=api_url, req_args=limited)


def _code(text: Any) -> str:
    """Return Slack's error word; anything else (the page of a proxy) is none."""
    word = str(text).strip()
    return word if len(word) <= _LONGEST_CODE and word.replace("_", "").isalnum() and word.isascii() else ""


def _bounded(seconds: float) -> float:
    return min(max(seconds, 1.0), _LONGEST_PAUSE)
