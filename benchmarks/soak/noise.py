"""Requests beside the episodes: readers, people at the console, and senders whose requests are refused."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import httpx

from benchmarks import load
from benchmarks.soak.calls import Calls
from benchmarks.soak.stage import SoakStage
from tests.stack.site import API_TOKEN, WEBHOOK_TOKEN


class Noise:
    """One person at the console and one reader, who ask for something at random."""

    def __init__(self, calls: Calls, stage: SoakStage, luck: random.Random) -> None:
        """Ask nothing yet."""
        self._calls = calls
        self._stage = stage
        self._luck = luck
        self._known = ["alertmanager-0000000000000000"]
        self.sorts: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._refused, self._bodies, self._forged, self._reads, self._reads, self._metrics, self._ledger),
            *(self._ledger, self._entries, self._console, self._console, self._strays, self._verify),
        )

    async def one(self) -> None:
        """Ask for one of them."""
        await self._luck.choice(self.sorts)()

    async def _refused(self) -> None:
        body = {"version": "4", "alerts": [load.alert("SoakAuto", "never")]}
        await self._calls.api("POST", load.WEBHOOK, 401, token=f"wrong-{self._luck.random()}", json=body)
        await self._calls.api("GET", "/alerts", 403, token=WEBHOOK_TOKEN)
        await self._calls.ledger("POST", "/append", 401, token=WEBHOOK_TOKEN, json={})

    async def _bodies(self) -> None:
        for body in (b"", b"{", b"[]", b'{"alerts": 7}', b"\xff" * 1000, b"[" * 20_000):
            await self._calls.api("POST", load.WEBHOOK, 400, token=WEBHOOK_TOKEN, content=body)
        await self._calls.api("POST", "/alerts/alertmanager-0000000000000000/votes", 400, content=b"{")

    async def _forged(self) -> None:
        form = {"token": f"v1.k1.{'A' * 40}.{'B' * 43}", "decision": "approve", "reason": "soak"}
        await self._calls.api("POST", "/decision", 403, token="", json=form)

    async def _strays(self) -> None:
        await self._calls.api("GET", f"/no/such/{self._luck.random()}", 404)
        await self._calls.api("GET", load.WEBHOOK, 405)
        await self._calls.alert("NobodyHasThisRule", str(self._luck.random()))
        await self._calls.alert("SoakAuto", f"never-fired-{self._luck.random()}", "resolved")

    async def _reads(self) -> None:
        listed = (await self._calls.api("GET", "/alerts?limit=50", 200)).json()["alerts"]
        self._known = [one["key"] for one in listed] or self._known
        await self._calls.status(self._luck.choice(self._known))
        await self._calls.api("GET", "/alerts?state=awaiting_approval&outcome=remediated", 200)

    async def _metrics(self) -> None:
        for path in ("/metrics", "/healthz", "/readyz"):
            await self._calls.api("GET", path, 200, token="")
        await self._calls.worker_metrics()

    async def _ledger(self) -> None:
        for path in ("/head", "/stats", "/checkpoint"):
            await self._calls.ledger("GET", path, 200)

    async def _entries(self) -> None:
        height = (await self._calls.ledger("GET", "/head", 200)).json()["height"]
        seq = self._luck.randrange(height)
        await self._calls.ledger("GET", f"/entries/{seq}", 200)
        await self._calls.ledger("GET", f"/proof/inclusion?seq={seq}&size={height}", 200)
        await self._calls.ledger("GET", f"/proof/consistency?from={seq + 1}&to={height}", 200)

    async def _verify(self) -> None:
        await self._calls.ledger("POST", "/verify", 200)

    async def _console(self) -> None:
        """Sign in with a new connection and session, look at every page, and leave."""
        url = self._stage.api_url
        headers = {"Origin": url}
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, headers=headers) as browser:
            answer = await browser.post("/sign-in", data={"token": API_TOKEN, "name": "alice@example.com"})
            paths = ["/", "/episodes", f"/episodes/{self._luck.choice(self._known)}", "/guards", "/static/lumen.css"]
            answers = [answer, *[await browser.get(path) for path in paths]]
        for one in answers:
            self._calls.answers[f"console {one.status_code}"] += 1
