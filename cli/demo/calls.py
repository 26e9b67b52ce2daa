"""What the demo asks of the running Lumen: the public HTTP interface, by way of the same code as the commands of `lumen`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from cli.alert.showing import episode_path
from cli.failure import CommandError
from cli.remote import Answer, api, ledger
from cli.settings import ClientSettings

T = TypeVar("T")

_PAUSE = 0.2
_ONE_CALL = 1.0


async def eventually(look: Callable[[], Awaitable[T | None]], seconds: float, what: str) -> T:
    """Return the first thing that ``look`` finds.

    Raises:
        CommandError: nothing for ``seconds``; the text begins with ``what`` did not happen.

    """
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if (found := await look()) is not None:
                return found
        except CommandError as error:
            last = f": {error}"
        await asyncio.sleep(_PAUSE)
    raise CommandError(f"{what} within {seconds:.0f} s{last}")


class Calls:
    """The API and the ledger of one running Lumen. Everything raises :class:`CommandError` when it cannot be had."""

    def __init__(self, client: ClientSettings) -> None:
        """Use the addresses and tokens of ``client``."""
        self._api, self._webhook, self._ledger = api(client), api(client, sends_alerts=True), ledger(client)

    async def post_alert(self, alert: dict[str, Any]) -> None:
        """Post one alert as Alertmanager does."""
        body = {"version": "4", "status": alert["status"], "alerts": [alert]}
        await asyncio.to_thread(self._webhook.post, "/webhooks/alertmanager", body)

    async def keys(self) -> list[str]:
        """Return the keys of all episodes."""
        answer = await asyncio.to_thread(self._api.get, "/alerts")
        return [str(row["key"]) for row in answer.body["alerts"]]

    async def status(self, key: str) -> dict[str, Any]:
        """Return what ``GET /alerts/{key}`` says."""
        return (await asyncio.to_thread(self._api.get, episode_path(key))).body

    async def until(
        self, key: str, wanted: Callable[[dict[str, Any]], bool], seconds: float, what: str
    ) -> dict[str, Any]:
        """Return the first status of the episode that is as ``wanted``; otherwise say ``what`` did not happen."""

        async def look() -> dict[str, Any] | None:
            document = await self.status(key)
            return document if not document.get("stale") and wanted(document) else None

        return await eventually(look, seconds, what)

    async def vote(self, key: str, decision: str, actor: str, reason: str) -> Answer:
        """Vote as ``lumen approve`` and ``lumen reject`` do."""
        body = {"decision": decision, "actor": actor, "reason": reason}
        return await asyncio.to_thread(self._api.post, f"{episode_path(key)}/votes", body)

    async def entries(self, seqs: list[int]) -> list[dict[str, Any]]:
        """Return these entries of the ledger with their parts."""
        return [(await asyncio.to_thread(self._ledger.get, f"/entries/{seq}")).body for seq in seqs]

    async def verify(self) -> dict[str, Any]:
        """Have every entry of the ledger verified."""
        return (await asyncio.to_thread(self._ledger.post, "/verify", {})).body


async def post(url: str) -> None:
    """Post nothing to ``url``; raises :class:`CommandError` if that is not accepted."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_ONE_CALL) as client:
            answer = await client.post(url)
    except httpx.HTTPError as error:
        raise CommandError(f"{url} does not accept a POST: {str(error) or type(error).__name__}") from None
    if not answer.is_success:
        raise CommandError(f"{url} does not accept a POST: HTTP {answer.status_code}")


async def fetch(url: str, query: dict[str, str] | None = None) -> Any:
    """Return the JSON of a 200 that comes within a second, or None."""
    try:
        async with asyncio.timeout(_ONE_CALL), httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(url, params=query)
            return answer.json() if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, TimeoutError, ValueError):
        return None
