"""What the world does in a trial: alerts fire, repeat and resolve; people vote, also twice, also when they may not."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from lumen.alert import fingerprint
from tests.chaos.ballots import Ballots
from tests.chaos.mix import ALICE, BOB, CAROL, MALLORY, Mixed
from tests.chaos.stack import ALERTMANAGERS, APIS, Stack
from tests.stack.site import API_TOKEN

FIRING_SECONDS = 8.0
_REPEAT = 2.0
_LOOK = 0.5
_BALLOTS = (
    (ALICE, "approve"),
    (ALICE, "approve"),
    (MALLORY, "approve"),
    (BOB, "approve"),
    (CAROL, "approve"),
)

_DECIDE = ((ALICE, "approve"), (BOB, "approve"))


@dataclass
class Episode:
    """One alert of a trial and what is to happen to it; ``at`` and ``resolves`` are seconds after the begin."""

    rule: Mixed
    labels: dict[str, str]
    at: float
    resolves: float | None
    ballots: list[tuple[str, str]]
    fired: float | None = None
    resolved: float | None = None
    starts_at: str = ""
    ends_at: str = ""

    @property
    def key(self) -> str:
        """The key that its episode has."""
        return f"alertmanager-{fingerprint(self.labels)}"


@dataclass
class World:
    """Alerts and voters of one trial, of all rules or ``only`` some; ``rows`` is what the APIs said last about the episodes."""

    stack: Stack
    seed: int
    only: AbstractSet[str] = frozenset()
    episodes: list[Episode] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _voting: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Draw the alerts of the trial."""
        self._chance = chance = random.Random(f"load {self.seed}")  # noqa: S311 - repeatable, not secret
        self.ballots = Ballots(self.stack, chance)
        for rule in self.stack.rules:
            for _ in range(rule.weight):
                file = f"{self.seed}-{len(self.episodes)}"
                labels = {"alertname": rule.name, "trial": str(self.seed), "file": file, **rule.labels}
                at = chance.uniform(0.0, FIRING_SECONDS)
                resolves = at + chance.uniform(4.0, 10.0) if chance.random() < (0.2 if rule.asks else 0.4) else None
                ballots = list(_BALLOTS)
                if chance.random() < 0.3:
                    ballots.append((chance.choice((ALICE, BOB)), "reject"))
                chance.shuffle(ballots)
                self.episodes.append(Episode(rule, labels, at, resolves, ballots))
        self.episodes = [one for one in self.episodes if not self.only or one.rule.name in self.only]
        self.stack.outside.false.update(
            one.labels["file"] for one in self.episodes if one.rule.name == "When" and chance.random() < 0.3
        )

    async def fire(self, began: float) -> None:
        """Fire, repeat and resolve as Prometheus does, until cancelled."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            posted = 0.0
            while True:
                now = time.monotonic()
                fresh = [one for one in self.episodes if self._moves(one, now - began)]
                known = [one for one in self.episodes if one.fired is not None]
                if now - posted > _REPEAT:
                    fresh, posted = known, now
                if fresh:
                    await asyncio.gather(*(self._post(http, name, fresh) for name in ALERTMANAGERS))
                await asyncio.sleep(0.2)

    def _moves(self, one: Episode, at: float) -> bool:
        """Let an alert begin or end if it is time; return whether it did."""
        now = datetime.now(UTC)
        if one.fired is None and at >= one.at:
            one.fired, one.starts_at = time.monotonic(), now.isoformat()
            one.ends_at = (now + timedelta(hours=1)).isoformat()
            self.stack.outside.firing[one.labels["file"]] = one.labels
            return True
        if one.resolves is not None and one.resolved is None and at >= one.resolves:
            one.resolved, one.ends_at = time.monotonic(), now.isoformat()
            self.stack.outside.firing.pop(one.labels["file"], None)
            return True
        return False

    async def _post(self, http: httpx.AsyncClient, name: str, episodes: list[Episode]) -> None:
        body = [{"labels": one.labels, "startsAt": one.starts_at, "endsAt": one.ends_at} for one in episodes]
        with contextlib.suppress(httpx.HTTPError):
            await http.post(f"http://127.0.0.1:{self.stack.ports[name]}/api/v2/alerts", json=body)

    async def follow(self) -> None:
        """Look at the episodes again and again, and let people vote on what waits for them, until cancelled."""
        asking = {one.key: one for one in self.episodes}
        async with httpx.AsyncClient(trust_env=False, timeout=8) as http, asyncio.TaskGroup() as group:
            while True:
                await self.look(http)
                for key, row in self.rows.items():
                    if row["state"] == "awaiting_approval" and key in asking and key not in self._voting:
                        self._voting.add(key)
                        group.create_task(self._vote(http, asking[key]))
                await asyncio.sleep(_LOOK)

    async def look(self, http: httpx.AsyncClient) -> bool:
        """Ask one of the APIs for all episodes; return whether it answered."""
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        with contextlib.suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{self.stack.ports[self._chance.choice(APIS)]}/alerts"
            answer = await http.get(url, params={"limit": 200}, headers=headers)
            if answer.status_code == httpx.codes.OK:
                # Newest first: of two runs of one episode the later counts.
                self.rows = {row["key"]: row for row in reversed(answer.json()["alerts"])}
                return True
        return False

    async def _vote(self, http: httpx.AsyncClient, one: Episode) -> None:
        """Cast the next ballot on an episode, again if it was not taken, and sometimes again although it was."""
        actor, decision = one.ballots.pop(0) if one.ballots else self._chance.choice(_DECIDE)
        way = self.ballots.way()
        for _ in range(3):
            status = await self.ballots.cast(http, one.key, actor, decision, way)
            if status is not None and status < httpx.codes.INTERNAL_SERVER_ERROR and self._chance.random() < 0.7:
                break
            await asyncio.sleep(0.3)
        self._voting.discard(one.key)
