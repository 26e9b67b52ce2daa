"""``http``: one request. Redirects are not followed, since they would turn the approved request into another one."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import httpx

from activities.execution.hiding import Hider
from activities.kinds.protocol import Ended, KindContext
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction

_KEPT = 4096
_READ_AT_MOST = 16 * 1024 * 1024
_SHORTEST = 8  # characters of a header's value that is hidden: shorter ones are ordinary words
_TOLD = frozenset(
    {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "content-length",
        "content-type",
        "idempotency-key",
    }
)


class HttpKind:
    """Sends requests."""

    def __init__(self, context: KindContext) -> None:
        """Keep the client."""
        self._context = context

    async def run(self, action: PlannedAction, plan: Plan, request: ExecuteRequest, cancel: asyncio.Event) -> Ended:  # noqa: ARG002 - the protocol's signature
        """Send the request with the action's key as ``Idempotency-Key``; 2xx is success."""
        spec = action.spec
        headers = {**spec.get("headers", {}), "Idempotency-Key": request.key}
        return await send(
            self._context.http,
            cancel,
            action.timeout,
            spec["method"],
            spec["url"],
            headers=headers,
            json=spec.get("json"),
        )


async def send(
    http: httpx.AsyncClient,
    cancel: asyncio.Event,
    timeout: float,  # noqa: ASYNC109 - the action's own time, enforced below for the whole exchange
    method: str,
    url: str,
    **content: Any,
) -> Ended:
    """Send one request and judge the answer; what may have reached the server and was not answered is ``unknown``."""
    exchange = asyncio.create_task(_exchange(http, timeout, method, url, content))
    asked = asyncio.create_task(cancel.wait())
    try:
        await asyncio.wait({exchange, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not exchange.done():
            exchange.cancel()
            return Ended(
                ActionStatus.CANCELLED, "cancelled while it waited for the answer; it may have been carried out"
            )
        return exchange.result()
    finally:
        asked.cancel()


async def _exchange(http: httpx.AsyncClient, seconds: float, method: str, url: str, content: dict[str, Any]) -> Ended:
    if content.get("json") is None:
        content.pop("json", None)
    try:
        async with (
            asyncio.timeout(seconds),
            http.stream(method, url, follow_redirects=False, timeout=seconds, **content) as response,
        ):
            return _judge(response, await _read(response, Hider(_secrets_of(response.request))))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        return Ended(ActionStatus.FAILED, f"could not connect: {type(error).__name__}")
    except (httpx.InvalidURL, httpx.LocalProtocolError) as error:
        return Ended(ActionStatus.FAILED, f"cannot be sent: {type(error).__name__}")
    except (httpx.HTTPError, TimeoutError) as error:
        return Ended(ActionStatus.UNKNOWN, f"sent, but not answered: {type(error).__name__}")


def _secrets_of(request: httpx.Request) -> list[str]:
    """Return what a careless server may say back and nobody may read: the values of all headers but the usual ones."""
    values = [value for name, value in request.headers.items() if name not in _TOLD]
    return [part for value in values for part in (value, *value.split()) if len(part) >= _SHORTEST]


async def _read(response: httpx.Response, hider: Hider) -> dict[str, Any]:
    digest = hashlib.sha256()
    kept = b""
    size = 0

    def keep(block: bytes) -> None:
        nonlocal kept
        digest.update(block)
        if len(kept) < _KEPT:
            kept += block[: _KEPT - len(kept)]

    async for block in response.aiter_bytes():
        size += len(block)
        keep(hider.take(block))
        if size > _READ_AT_MOST:
            break
    keep(hider.rest())
    text = kept.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return {"head": text, "tail": "", "bytes": size, "sha256": digest.hexdigest(), "truncated": size > len(kept)}


def _judge(response: httpx.Response, body: dict[str, Any]) -> Ended:
    detail = {"status_code": response.status_code, "stdout": body}
    if response.is_success:
        return Ended(ActionStatus.SUCCEEDED, "", detail)
    if response.is_redirect:
        return Ended(ActionStatus.FAILED, f"answered {response.status_code}: a redirect is not followed", detail)
    return Ended(ActionStatus.FAILED, f"answered {response.status_code}", detail)
