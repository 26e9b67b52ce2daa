"""Requests of the soak, each with the answer it must get: anything else is counted as a fault.

503 says that Temporal did not answer in time: it is counted, and the request sent again, as every sender has to.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from typing import Any

import httpx

from benchmarks import load
from benchmarks.soak.stage import LINK_KEYS, SoakStage
from lumen.links import Link, link_token
from tests.stack.site import API_TOKEN, PROOFD_TOKEN, WEBHOOK_TOKEN

_SECONDS = 60.0
_PAUSES = (1, 2, 4, 8, 15)
_TAKEN = (409, 410)


class UnexpectedAnswerError(Exception):
    """An answer with another status than the ones that were right."""


class Calls:
    """HTTP to one stage. ``answers`` counts every answer by method, sort of path and status."""

    def __init__(self, stage: SoakStage) -> None:
        """Open nothing yet."""
        self._stage = stage
        self._http = httpx.AsyncClient(timeout=_SECONDS, trust_env=False, follow_redirects=False)
        self.answers: Counter[str] = Counter()

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def api(self, method: str, path: str, *right: int, token: str = API_TOKEN, **content: Any) -> httpx.Response:
        """Send a request to the API; ``right`` are the statuses that it may answer with.

        Raises:
            UnexpectedAnswerError: it answered with another one.

        """
        return await self._ask(self._stage.api_url, method, path, right, token, content)

    async def ledger(
        self, method: str, path: str, *right: int, token: str = PROOFD_TOKEN, **content: Any
    ) -> httpx.Response:
        """As ``api``, to the ledger."""
        return await self._ask(self._stage.proofd_url, method, path, right, token, content)

    async def worker_metrics(self) -> None:
        """Read the worker's metrics, as Prometheus does."""
        await self._ask(f"http://{self._stage.env['LUMEN_WORKER_ADDR']}", "GET", "/metrics", (200,), "", {})

    async def alert(self, rule: str, instance: str, status: str = "firing", **labels: str) -> str:
        """Send one alert by the webhook and return its key."""
        one = load.alert(rule, instance)
        one["labels"] |= labels
        answer = await self.webhook([one | {"status": status}])
        return str(answer["alerts"][0]["key"])

    async def webhook(self, alerts: list[dict[str, Any]]) -> Any:
        """Send alerts as Alertmanager does and return what became of them."""
        body = {"version": "4", "status": "firing", "receiver": "lumen", "alerts": alerts}
        return (await self.api("POST", load.WEBHOOK, 202, token=WEBHOOK_TOKEN, json=body)).json()

    async def status(self, key: str) -> dict[str, Any]:
        """Return one episode; nothing while it is not there yet or no worker answers."""
        answer = await self.api("GET", f"/alerts/{key}", 200, 404)
        document: dict[str, Any] = answer.json()
        return document if answer.status_code == httpx.codes.OK and not document.get("stale") else {}

    async def vote(self, key: str, actor: str, decision: str = "approve") -> None:
        """Vote by the API."""
        ballot = {"decision": decision, "actor": actor, "reason": "soak"}
        await self.api("POST", f"/alerts/{key}/votes", 200, 202, json=ballot)

    async def decide_by_link(self, document: dict[str, Any], actor: str, decision: str = "approve") -> None:
        """Open a link's page, decide by it, and be told that it was used."""
        expires = int(time.time()) + 600
        approval = document["approval"]["id"]
        link = Link(document["key"], approval, document["plan"]["digest"], actor, expires, secrets.token_urlsafe(16))
        token = link_token(link, LINK_KEYS)
        await self.api("GET", f"/decision?token={token}", 200, token="")
        form = {"token": token, "decision": decision, "reason": "soak"}
        await self.api("POST", "/decision", 200, 202, token="", data=form)
        # 202: what became of the first use is not known yet, since no worker answers in time.
        await self.api("POST", "/decision", 202, 409, 410, token="", json=form)

    async def _ask(
        self, base: str, method: str, path: str, right: tuple[int, ...], token: str, content: dict[str, Any]
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | content.pop("headers", {}) if token else {}
        sort = path.partition("?")[0].strip("/").split("/")[0] or "home"
        taken: tuple[int, ...] = ()
        for pause in (*_PAUSES, 0):
            answer = await self._http.request(method, base + path, headers=headers, **content)
            self.answers[f"{method} {sort} {answer.status_code}"] += 1
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            # Temporal may have done what it did not answer in time, so the repetition of a vote may find its request closed.
            taken = _TAKEN if path.endswith("/votes") or path == "/decision" else ()
            await asyncio.sleep(pause)
        if answer.status_code not in (*right, *taken):
            raise UnexpectedAnswerError(f"{method} {path[:80]} answered {answer.status_code}: {answer.text[:300]}")
        return answer
