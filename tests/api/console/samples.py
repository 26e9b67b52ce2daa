"""Stand-ins for what the console looks at, and a visitor who is signed in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from api.errors import UnreachableError
from api.freezing import AlreadyFrozenError, Freeze, NotFrozenError
from api.guards import Found, Order
from api.ledger_view import Health, Line
from api.ports import Page
from api.surroundings import Surroundings
from rules.model import Policy, RuleSet
from tests.api.fakes import ALICE_TOKEN
from tests.api.pages.samples import BROWSER, KEY, Stage, stage

NOW = "2026-11-22T08:00:00.000Z"
HIDDEN = re.compile(r'name="(form_token|once|approval_id|digest)" value="([^"]*)"')


@dataclass
class FakeGuards:
    """Guards out of a list; ``known`` are the names under which something cools."""

    found: Found = field(default_factory=Found)
    known: tuple[str, ...] = ()
    down: bool = False
    cleared: list[tuple[str, Order]] = field(default_factory=list)

    async def find(self) -> Found:
        if self.down:
            raise UnreachableError("Temporal cannot be reached")
        return self.found

    async def clear(self, target: str, order: Order) -> list[str]:
        if self.down:
            raise UnreachableError("Temporal cannot be reached")
        self.cleared.append((target, order))
        return [target] if target in self.known else []


@dataclass
class FakeSwitch:
    """A freeze switch; ``slow``: it stays frozen for now although somebody unfroze it."""

    stands: Freeze = field(default_factory=lambda: {"frozen": False})
    slow: bool = False
    down: bool = False
    turned: list[tuple[str, str, str]] = field(default_factory=list)

    async def state(self) -> Freeze:
        if self.down:
            raise UnreachableError("Temporal cannot be reached")
        return self.stands

    async def freeze(self, actor: str, reason: str) -> Freeze:
        if (await self.state())["frozen"]:
            raise AlreadyFrozenError(self.stands)
        self.turned.append(("on", actor, reason))
        self.stands = {"frozen": True, "actor": actor, "reason": reason, "since": NOW}
        return self.stands

    async def unfreeze(self, actor: str, reason: str) -> Freeze:
        if not (await self.state())["frozen"]:
            raise NotFrozenError("not frozen")
        self.turned.append(("off", actor, reason))
        if not self.slow:
            self.stands = {"frozen": False}
        return self.stands


@dataclass
class FakeLedger:
    """A ledger that holds what it is told; every entry that it does not know is unchecked."""

    stands: Health = field(default_factory=lambda: Health(reachable=True, ok=True, height=12, checkpoint_age=90.0))
    known: dict[int, Line] = field(default_factory=dict)
    asked: list[tuple[int, ...]] = field(default_factory=list)

    async def health(self) -> Health:
        return self.stands

    async def lines(self, seqs: Sequence[int], seconds: float) -> list[Line]:
        assert seconds > 0
        self.asked.append(tuple(seqs))
        return [self.known.get(seq, Line(seq, "unchecked")) for seq in seqs]


@dataclass
class Console:
    """The application with stand-ins at every port."""

    stage: Stage
    guards: FakeGuards
    switch: FakeSwitch
    ledger: FakeLedger

    @asynccontextmanager
    async def visited(self, token: str = ALICE_TOKEN, **named: str) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a browser that is signed in with ``token``."""
        async with self.stage.client() as browser:
            answer = await browser.post("/sign-in", data={"token": token, **named}, headers=BROWSER)
            assert answer.status_code == 303, answer.text
            yield browser


def console(**changes: Any) -> Console:
    """Return a console over one episode that asks; ``changes`` as for :func:`tests.api.pages.samples.stage`."""
    here = stage(**changes)
    one = Console(here, FakeGuards(), FakeSwitch(), FakeLedger())
    rules = RuleSet((), Policy(people={"alice@example.com": {"slack": "U012AB3CD"}}), "sha256:none")
    around = Surroundings(one.guards, one.switch, one.ledger)
    here.edge = replace(here.edge, surroundings=around, rules=lambda: rules)
    here.episodes.pages = {b"": Page([row()])}
    return one


def row(key: str = KEY, **changes: Any) -> dict[str, Any]:
    """Return an episode that asks Alice and Bob, as ``GET /alerts`` lists it."""
    return {
        "key": key,
        "workflow_id": f"alert-{key}",
        "state": "awaiting_approval",
        "outcome": None,
        "rule": "disk-full",
        "alert": "DiskFull",
        "severity": "critical",
        "target": "db-1",
        "labels": {},
        "waiting": waiting(),
        "status": "running",
        "started_at": "2026-11-22T07:50:00.000Z",
        "closed_at": None,
        **changes,
    }


def waiting(**changes: Any) -> dict[str, Any]:
    """Return what a memo says about a request."""
    return {
        "approval_id": "run.1.1",
        "expires_at": "2026-11-22T08:50:00.000Z",
        "allow": ["alice@example.com", "bob@example.com"],
        "min_rank": "token",
        "approve": 2,
        "reject": 1,
        **changes,
    }


def token_may_vote(document: dict[str, Any]) -> None:
    """Let a sign-in by token be enough for the request."""
    document["approval"]["min_rank"] = "token"


async def fields_of(browser: httpx.AsyncClient, path: str) -> dict[str, str]:
    """Return the hidden fields of the first form of each kind on a page."""
    found: dict[str, str] = {}
    for name, value in HIDDEN.findall((await browser.get(path)).text):
        found.setdefault(name, value)
    return found
