"""One log line a request, and the webhooks' counters. Never the query string, a header or a token."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import ApiMetrics

_log = logging.getLogger("lumen.api")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_QUIET = frozenset({"/metrics", "/healthz", "/readyz", "/-/healthy", "/-/ready"})


class AccessLog:
    """ASGI middleware. The path is logged as its route's template, so that keys and guesses do not become log text."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, webhooks: Collection[str]) -> None:
        """Wrap ``app``; requests to the path templates ``webhooks`` are counted."""
        self._app = app
        self._metrics = metrics
        self._webhooks = frozenset(webhooks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        status = 500
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._note(scope, state, status, time.perf_counter() - started)

    def _note(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        template = getattr(scope.get("route"), "path", "-")
        if template in self._webhooks:
            self._metrics.webhook(status, seconds)
        level = logging.DEBUG if template in _QUIET and status < 400 else logging.INFO
        # Any text without blanks can be sent as a method, a token too.
        method = scope["method"] if scope["method"] in _METHODS else "-"
        extra = {"method": method, "path": template, "status": status, "duration_ms": round(seconds * 1000, 1)}
        if "alerts" in state:
            extra["alerts"] = state["alerts"]
        _log.log(level, "%s %s %s", method, template, status, extra=extra)
