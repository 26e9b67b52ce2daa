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

from cli.fakeslack import Delivery, FakeSlack, Message, User, View
from lumen.links import Link, link_token
from tests.chaos.stack import APIS, Stack
from tests.stack.site import API_TOKEN

WAYS = {"api": 2, "link": 3, "slack": 4}
WAYS_FROM = 2001
"""Seeds from this on vote by every way; earlier seeds by the API, as they did before there was another."""

NOTHING_SENT = 404
"""The status of a ballot that could not be cast: there was no request, no message, or no form."""

_AUTH = {"Authorization": f"Bearer {API_TOKEN}"}
_KEYS = {"k1": "a-secret-of-the-tests"}
_LINK_SECONDS = 900
_TOLD_SECONDS = 6.0
_FORM_SECONDS = 3.0
_SAID = {
    "Your approval is recorded": 200,
    "Your rejection is recorded": 200,
    "Your vote is stored safely": 202,
    "Your vote was NOT recorded": 409,
}
"""What a person is told by Slack, as the status that the API has for the same. Everything else leaves it open."""


@dataclass
class Ballots:
    """Casts ballots and writes each to ``votes.jsonl``, with what its voter was told."""

    stack: Stack
    chance: random.Random
    sent: int = 0
    _links: dict[tuple[str, str], str] = field(default_factory=dict)
    _rejecting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def way(self) -> str:
        """Draw by which way a ballot is cast."""
        if self.stack.trial < WAYS_FROM:
            return "api"
        return self.chance.choices(list(WAYS), list(WAYS.values()))[0]

    async def cast(self, http: httpx.AsyncClient, key: str, actor: str, decision: str, way: str) -> int | None:
        """Cast a ballot and return its status; None if its voter cannot know."""
        record: dict[str, Any] = {"at": time.monotonic(), "key": key, "actor": actor, "decision": decision}
        record |= {"way": way, "reason": f"ballot {self.sent}", "id": None, "status": None, "answer": None}
        self.sent += 1
        if way == "slack":
            record["status"] = await self._by_slack(key, actor, decision, record["reason"])
        else:
            await self._by_http(http, record)
        record["until"] = time.monotonic()
        with (self.stack.evidence / "votes.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        status: int | None = record["status"]
        return status

    async def _by_http(self, http: httpx.AsyncClient, record: dict[str, Any]) -> None:
        said = {"decision": record["decision"], "reason": record["reason"]}
        path, headers = f"/alerts/{record['key']}/votes", _AUTH
        if record["way"] == "link":
            said["token"] = await self._link(http, record["key"], record["actor"])
            path, headers = "/decision", {}
            if not said["token"]:
                record["status"] = NOTHING_SENT
                return
        else:
            said["actor"] = record["actor"]
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = await http.post(self._api() + path, json=said, headers=headers)
            record["status"], record["answer"] = answer.status_code, answer.json()
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

    async def _by_slack(self, key: str, actor: str, decision: str, reason: str) -> int | None:
        slack = self.stack.slack
        user = next(user for user in slack.state.users.values() if user.email == actor)
        if decision == "reject":
            # One after the other: what somebody is told of a form does not say of which.
            async with self._rejecting:
                return await self._reject(user, key, reason)
        clicked = await self._click(user, key, "lumen.approve")
        return NOTHING_SENT if clicked is None else await _told(slack, clicked)

    async def _click(self, user: User, key: str, button: str) -> Delivery | None:
        """Press a button of the newest message that has it for this episode; nothing if there is none."""
        slack = self.stack.slack
        for message in reversed(slack.messages()):
            if _has(message, button, key):
                slack.request_url = f"{self._api()}/slack/interaction"
                return await slack.click(user, message, button)
        return None

    async def _reject(self, user: User, key: str, reason: str) -> int | None:
        """Press Reject and fill in the form; without a form nothing was sent."""
        slack, before = self.stack.slack, len(self.stack.slack.state.ephemerals)

        def forms() -> list[View]:
            # One that opened too late for an earlier press is about another episode.
            return [view for view in slack.views(user) if json.loads(view.body["private_metadata"])["k"] == key]

        await self._click(user, key, "lumen.reject")
        if not await _until(forms, _FORM_SECONDS):
            return NOTHING_SENT
        view = forms()[-1]
        slack.request_url = f"{self._api()}/slack/interaction"
        await slack.submit(view, {"reason": reason})
        if view.open:
            slack.dismiss(view)
            return 409 if view.errors else None

        def recorded() -> bool:
            later = slack.state.ephemerals[before:]
            return any(one.user == user.id and one.text.startswith("Your rejection is recorded") for one in later)

        return 200 if await _until(recorded, _TOLD_SECONDS) else None

    def _api(self) -> str:
        return f"http://127.0.0.1:{self.stack.ports[self.chance.choice(APIS)]}"


def _has(message: Message, button: str, key: str) -> bool:
    """Return whether a message has a button, for this episode."""
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    values = [element["value"] for element in elements if element.get("action_id") == button]
    return any(json.loads(value)["k"] == key for value in values)


async def _told(slack: FakeSlack, clicked: Delivery) -> int | None:
    """Return what the clicker is told in the end, as a status; None if they may not know."""
    url = str(clicked.payload["response_url"]).rpartition("/")[2]

    def said() -> int | None:
        texts = [one.text for one in slack.ephemerals() if one.url == url]
        found = [status for text in texts for begin, status in _SAID.items() if text.startswith(begin)]
        return found[-1] if found else None

    await _until(said, _TOLD_SECONDS)
    return said()


async def _until(look: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True
