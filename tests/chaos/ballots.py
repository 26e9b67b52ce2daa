"""Ballots of a trial, by every way that there is: the API, a signed link, a button in Slack."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from lumen.links import Link, link_token
from tests.chaos.clicks import Clicks
from tests.chaos.stack import APIS, Stack
from tests.stack.site import API_TOKEN

WAYS = {"api": 2, "link": 3, "slack": 4}
WAYS_FROM = 2001
"""Seeds from this on vote by every way; earlier seeds by the API, as they did before there was another."""

_AUTH = {"Authorization": f"Bearer {API_TOKEN}"}
_KEYS = {"k1": "a-secret-of-the-tests"}
_LINK_SECONDS = 900


@dataclass
class Ballots:
    """Casts ballots and writes each that was sent to ``votes.jsonl``, with what its voter was told."""

    stack: Stack
    chance: random.Random
    sent: int = 0
    _links: dict[tuple[str, str], str] = field(default_factory=dict)
    _rejecting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Make the hand that presses buttons."""
        self._clicks = Clicks(self.stack.slack, self._api)
        self._numbers = 0

    def way(self) -> str:
        """Draw by which way a ballot is cast."""
        if self.stack.trial < WAYS_FROM:
            return "api"
        return self.chance.choices(list(WAYS), list(WAYS.values()))[0]

    async def cast(self, http: httpx.AsyncClient, key: str, actor: str, decision: str, way: str) -> int | None:
        """Cast a ballot and return its status; None if its voter cannot know, or if there was nothing to vote on."""
        record: dict[str, Any] = {"key": key, "actor": actor, "decision": decision, "way": way}
        record |= {"reason": f"ballot {self._numbers}", "id": None, "status": None, "answer": None}
        self._numbers += 1
        # What somebody is told of a form in Slack does not say of which: one after the other.
        async with self._rejecting if (way, decision) == ("slack", "reject") else contextlib.nullcontext():
            record["at"] = time.monotonic()
            try:
                await (self._clicks.cast(record) if way == "slack" else self._by_http(http, record))
            finally:
                self._write(record)
        status: int | None = record["status"]
        return status

    def _write(self, record: dict[str, Any]) -> None:
        """Keep a ballot that was sent, answered or not."""
        record["until"] = time.monotonic()
        if record.pop("sent", False):
            self.sent += 1
            with (self.stack.evidence / "votes.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    async def _by_http(self, http: httpx.AsyncClient, record: dict[str, Any]) -> None:
        said = {"decision": record["decision"], "reason": record["reason"]}
        path, headers = f"/alerts/{record['key']}/votes", _AUTH
        if record["way"] == "link":
            said["token"] = await self._link(http, record["key"], record["actor"])
            path, headers = "/decision", {}
            if not said["token"]:
                return
        else:
            said["actor"] = record["actor"]
        record["sent"] = True
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = await http.post(self._api() + path, json=said, headers=headers)
            record["status"] = answer.status_code
            record["answer"] = answer.json()
        if isinstance(record["answer"], dict):
            record["id"] = record["answer"].get("id")

    async def _link(self, http: httpx.AsyncClient, key: str, actor: str) -> str:
        """Return the one link that this person has for what is asked now, nothing if nothing is."""
        try:
            document = (await http.get(f"{self._api()}/alerts/{key}", headers=_AUTH)).json()
            approval, digest = str(document["approval"]["id"]), str(document["plan"]["digest"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""
        if (approval, actor) not in self._links:
            expires = int(time.time()) + _LINK_SECONDS
            made = Link(key, approval, digest, actor, expires, f"{approval} {actor}")
            self._links[approval, actor] = link_token(made, _KEYS)
        return self._links[approval, actor]

    def _api(self) -> str:
        return f"http://127.0.0.1:{self.stack.ports[self.chance.choice(APIS)]}"
