"""Recording stand-ins for Temporal at the two ports of the edge, and the edge around them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from api.edge import Edge
from api.errors import OtherCommandError, UnknownEpisodeError, UnreachableError
from api.metrics import ApiMetrics
from api.ports import Description, Filters, Page
from api.reception import Reception
from api.tokens import Caller, Scope, build_token_book
from lumen.alert import Alert
from lumen.ballot import Ballot
from lumen.command import Command, command_workflow_id
from lumen.names import alert_workflow_id
from rules.model import Policy, RuleSet

WEBHOOK_TOKEN = "webhook-token"
READ_TOKEN = "unbound-token"
ALICE_TOKEN = "alice-token"
BOB_TOKEN = "bob-may-only-read"
KEYS = {"k2": "the newest bridge secret", "k1": "an older bridge secret"}

BOUND = {
    hashlib.sha256(ALICE_TOKEN.encode()).digest(): Caller(
        frozenset({Scope.READ, Scope.VOTE, Scope.OVERRIDE}), "alice@example.com"
    ),
    hashlib.sha256(BOB_TOKEN.encode()).digest(): Caller(frozenset({Scope.READ}), "bob@example.com"),
}


@dataclass
class RecordingSink:
    """Keeps what it is given; alerts are open once they fired. ``error`` is raised instead when it is set."""

    routed: list[tuple[Alert, str]] = field(default_factory=list)
    queued: list[Alert] = field(default_factory=list)
    error: Exception | None = None
    open: set[str] = field(default_factory=set)

    async def route(self, alert: Alert, rule: str) -> str:
        if self.error:
            raise self.error
        self.routed.append((alert, rule))
        if not alert.firing:
            return "resolved" if alert.key in self.open else "not_open"
        known = alert.key in self.open
        self.open.add(alert.key)
        return "updated" if known else "started"

    async def queue(self, alerts: Sequence[Alert]) -> list[str]:
        if self.error:
            raise self.error
        self.queued += alerts
        return [f"intake-{alert.fingerprint}" for alert in alerts]


@dataclass
class FakeEpisodes:
    """Episodes out of dictionaries; an exception as a value is raised."""

    documents: dict[str, dict[str, Any] | Exception] = field(default_factory=dict)
    described: dict[str, Description] = field(default_factory=dict)
    tally: dict[str, Any] | Exception = field(default_factory=dict)
    pages: dict[bytes, Page] = field(default_factory=dict)
    down: bool = False
    voted: list[tuple[str, Ballot]] = field(default_factory=list)
    sent: list[tuple[str, str, Ballot]] = field(default_factory=list)
    asked: list[tuple[Filters, int, bytes]] = field(default_factory=list)
    send_error: Exception | None = None

    async def status(self, key: str) -> dict[str, Any]:
        self._check()
        found = self.documents.get(key) or UnknownEpisodeError("there is no episode with this key")
        if isinstance(found, Exception):
            raise found
        return found

    async def describe(self, key: str) -> Description:
        self._check()
        if key not in self.described:
            raise UnknownEpisodeError("there is no episode with this key")
        return self.described[key]

    async def page(self, filters: Filters, limit: int, after: bytes) -> Page:
        self._check()
        self.asked.append((filters, limit, after))
        return self.pages.get(after, Page([]))

    async def vote(self, key: str, ballot: Ballot) -> dict[str, Any]:
        self._check()
        if isinstance(self.tally, Exception):
            raise self.tally
        self.voted.append((key, ballot))
        return self.tally

    async def send(self, key: str, signal: str, ballot: Ballot) -> None:
        self._check()
        if self.send_error:
            raise self.send_error
        self.sent.append((key, signal, ballot))

    async def healthy(self) -> bool:
        return not self.down

    def _check(self) -> None:
        if self.down:
            raise UnreachableError("Temporal cannot be reached")


@dataclass
class FakeCommands:
    """Keeps the commands that were started; the same key with other content is refused. ``error`` is raised when set."""

    started: dict[str, Command] = field(default_factory=dict)
    error: Exception | None = None

    async def start(self, command: Command) -> str:
        if self.error:
            raise self.error
        if self.started.setdefault(command.key, command).digest != command.digest:
            raise OtherCommandError("this idempotency key belongs to another command: use a key once")
        return command_workflow_id(command.key)


def find_rule(alert: Alert) -> str | None:
    """Match every alert but those that say they have no rule."""
    return None if alert.name == "NoRuleForThis" else f"rule-of-{alert.name}"


def no_rules() -> RuleSet:
    """Return an empty rule set."""
    return RuleSet((), Policy(), "sha256:none")


def make_edge(
    sink: RecordingSink,
    episodes: FakeEpisodes,
    *,
    embedded: bool = False,
    body_seconds: float = 30.0,
    rules: Callable[[], RuleSet] | None = None,
    commands: FakeCommands | None = None,
) -> Edge:
    """Return an edge with the tokens above and a registry of its own."""
    metrics = ApiMetrics(CollectorRegistry(), "1.2.3")
    return Edge(
        tokens=build_token_book([WEBHOOK_TOKEN], [READ_TOKEN], BOUND, embedded=embedded),
        reception=Reception(find_rule, sink, metrics),
        commands=commands or FakeCommands(),
        episodes=episodes,
        rules=rules or no_rules,
        metrics=metrics,
        bridge_keys=KEYS,
        body_seconds=body_seconds,
    )


def open_description(key: str, state: str = "awaiting_approval", *, is_open: bool = True) -> Description:
    """Return what Temporal alone knows of an episode."""
    row = {
        "key": key,
        "workflow_id": alert_workflow_id(key),
        "state": state,
        "outcome": None,
        "rule": "r",
        "alert": "DiskFull",
        "severity": None,
        "target": None,
        "labels": {"alertname": "DiskFull"},
        "status": "running" if is_open else "completed",
        "started_at": "2026-11-22T07:00:00.000Z",
        "closed_at": None,
    }
    memo = {"key": key, "labels": {"alertname": "DiskFull"}, "starts_at": "2026-11-22T07:00:29.632Z"}
    return Description(row, "run-1", is_open, memo)
