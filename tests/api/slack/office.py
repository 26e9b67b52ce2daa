"""A loopback Slack, an API that takes its clicks, and what the tests do between the two."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from api.edge import Edge
from api.slack.desk import SlackDesk
from cli.fakeslack import Channel, Delivery, FakeSlack, Message, User, signed_headers
from cli.fakeslack.state import Version
from lumen.ballot import Ballot
from rules.model import Policy, RuleSet
from tests.api.fakes import FakeEpisodes

KEY = "alertmanager-0aa043e5d176c819"
APPROVAL = "0b0f4d2e-run.1.1"
DIGEST = "sha256:3fa1"
TALLY = {
    "decision": "approve",
    "status": "pending",
    "votes": {"approve": [{"actor": "alice@example.com"}], "reject": []},
    "required": {"approve": 2, "reject": 1},
}


@dataclass
class Box(FakeEpisodes):
    """Episodes that take every vote, as slowly as they are told to; ``counting`` is the part that a worker takes."""

    seconds: float = 0.0
    counting: float = 0.0

    async def vote(self, key: str, ballot: Ballot) -> dict[str, Any]:
        await asyncio.sleep(self.seconds + self.counting)
        return await super().vote(key, ballot)

    async def send(self, key: str, signal: str, ballot: Ballot) -> None:
        await asyncio.sleep(self.seconds)
        await super().send(key, signal, ballot)

    async def healthy(self) -> bool:
        await asyncio.sleep(self.seconds)
        return not self.down

    @property
    def ballots(self) -> list[Ballot]:
        """Every vote that was taken, by either way."""
        return [ballot for _, ballot in self.voted] + [ballot for _, _, ballot in self.sent]


@dataclass
class Rules:
    """Rules whose policy a test may change."""

    policy: Policy = field(default_factory=Policy)

    def __call__(self) -> RuleSet:
        return RuleSet((), self.policy, "sha256:none")


@dataclass
class Office:
    """Everything that one test of the edge needs."""

    slack: FakeSlack
    box: Box
    rules: Rules
    edge: Edge
    desk: SlackDesk
    http: httpx.AsyncClient
    ops: Channel
    alice: User

    def ask(self, *, approval: str = APPROVAL, key: str = KEY, digest: str = DIGEST) -> Message:
        """Put a message that asks for a decision into the channel."""
        return put_request(self.slack, self.ops, key, approval, digest)

    async def click(self, action: str = "lumen.approve", user: User | None = None) -> Delivery:
        """Click a button of a new message."""
        return await self.slack.click(user or self.alice, self.ask(), action)

    async def post(self, payload: Any, **changes: Any) -> httpx.Response:
        """Post ``payload`` as Slack would."""
        return await self.post_body(urlencode({"payload": json.dumps(payload)}).encode(), **changes)

    async def post_body(self, body: bytes, headers: dict[str, str] | None = None, at: float = 0.0) -> httpx.Response:
        """Post ``body`` signed at ``at`` (0 = now), with ``headers`` in place of the right ones."""
        signed = signed_headers(self.slack.signing_secret, body, int(at or self.slack.state.clock()))
        return await self.http.post("/slack/interaction", content=body, headers={**signed, **(headers or {})})

    async def payload(self, action: str = "lumen.approve", user: User | None = None) -> dict[str, Any]:
        """Return the payload of a click that never reached anybody."""
        self.slack.request_url = ""
        return dict((await self.slack.click(user or self.alice, self.ask(), action)).payload)

    async def told(self, count: int = 1, user: User | None = None) -> list[str]:
        """Return what a person was told, once it is so many messages."""
        await self.slack.until(lambda: len(self.slack.ephemerals(user or self.alice)) >= count)
        return [one.text for one in self.slack.ephemerals(user or self.alice)]

    def count(self, outcome: str) -> float:
        """Return how often an interaction came to ``outcome``."""
        labels = {"outcome": outcome}
        return self.edge.metrics.registry.get_sample_value("lumen_slack_interactions_total", labels) or 0.0

    def untouched(self) -> bool:
        """Return whether no vote was taken and nobody was told anything."""
        return not self.box.ballots and not self.slack.ephemerals() and not self.slack.views()


def put_request(slack: FakeSlack, channel: Channel, key: str, approval: str, digest: str) -> Message:
    """Put a message with the three buttons into ``channel``, as the worker does."""
    value = json.dumps({"k": key, "a": approval, "d": digest})
    elements = [
        _button("lumen.approve", value=value),
        _button("lumen.reject", value=value),
        _button("lumen.open", url="http://127.0.0.1/"),
    ]
    block = {"type": "actions", "block_id": "votes", "elements": elements}
    version = Version("Approval needed", (block,), {}, slack.state.clock())
    message = Message(channel.id, slack.state.next_ts(), [version])
    slack.state.messages.append(message)
    return message


def _button(action: str, **more: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": action}, **more}


async def eventually(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until ``holds``, or fail."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
