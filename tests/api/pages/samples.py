"""An episode that asks, links to it, and an application whose clock the test sets."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from api.app import create_app
from api.edge import Edge, Site
from api.pages.forward_auth import ForwardAuth
from lumen.links import Link, link_token
from tests.api.conftest import client_of
from tests.api.fakes import KEYS, FakeEpisodes, RecordingSink, make_edge

KEY = "alertmanager-0aa043e5d176c819"
HOME = {"Origin": "http://127.0.0.1:8080"}
BROWSER = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
"""What a browser sends from a page without referrer."""
FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1:8081"},
    {"Origin": "http://127.0.0.1:8080.evil.example"},
    {"Origin": "https://127.0.0.1:8080"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", **HOME},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
)
TALLY = {
    "status": "pending",
    "decision": "approve",
    "votes": {
        "approve": [
            {
                "actor": "alice@example.com",
                "channel": "link",
                "rank": "link",
                "at": "2026-11-22T08:00:00.000Z",
                "reason": "seen",
            }
        ],
        "reject": [],
    },
    "required": {"approve": 2, "reject": 1},
}
DOCUMENT: dict[str, Any] = {
    "key": KEY,
    "labels": {"alertname": "DiskFull", "instance": "db-1", "severity": "critical"},
    "annotations": {"summary": "nearly full"},
    "starts_at": "2026-11-22T07:00:29.632Z",
    "state": "awaiting_approval",
    "rule": "disk-full",
    "target": "db-1",
    "dry_run": False,
    "requested_by": None,
    "plan": {
        "digest": "sha256:shown",
        "condition": "up == 0",
        "runbook_url": "https://runbooks.example/disk",
        "actions": [
            {"name": "grow", "kind": "cmd", "shown": "/sbin/lvextend -L +10G", "spec": {"argv": ["/sbin/lvextend"]}},
            {
                "name": "tell",
                "kind": "http",
                "shown": "POST https://example/hook",
                "spec": {"method": "POST", "url": "https://example/hook", "headers": {}, "json": {"gain": 0.8}},
            },
        ],
    },
    "approval": {
        "id": "run.1.1",
        "status": "pending",
        "required": {"approve": 2, "reject": 1},
        "votes": {
            "approve": [
                {
                    "actor": "bob@example.com",
                    "channel": "slack",
                    "rank": "slack",
                    "at": "2026-11-22T07:59:00.000Z",
                    "reason": "looks right",
                }
            ],
            "reject": [],
        },
        "allow": ["alice@example.com", "bob@example.com"],
        "min_rank": "link",
        "anonymous": False,
        "asked_at": "2026-11-22T07:50:00.000Z",
        "expires_at": "2026-11-22T08:50:00.000Z",
    },
}


@dataclass
class Clock:
    """A clock that stands until the test moves it."""

    time: datetime = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.time

    def forward(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)


@dataclass
class Stage:
    """One application over one episode that asks."""

    edge: Edge
    episodes: FakeEpisodes
    clock: Clock

    def client(self, edge: Edge | None = None) -> httpx.AsyncClient:
        """Return a browser without cookies yet."""
        client = client_of(create_app(edge or self.edge))
        client.base_url = httpx.URL(self.edge.site.base_url)
        return client

    @property
    def recorded(self) -> list[Any]:
        """Everything that was cast in any way."""
        return [*self.episodes.voted, *self.episodes.sent]


def stage(
    *,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    embedded: bool = False,
    base_url: str = "http://127.0.0.1:8080",
    lang: str = "en",
    proxy: ForwardAuth | None = None,
) -> Stage:
    """Return a stage; ``change`` edits the document of the episode."""
    document = copy.deepcopy(DOCUMENT)
    change(document)
    episodes = FakeEpisodes(documents={KEY: document}, tally=copy.deepcopy(TALLY))
    clock = Clock()
    edge = replace(
        make_edge(RecordingSink(), episodes, embedded=embedded),
        now=clock,
        site=Site(base_url=base_url, lang=lang),
        forward_auth=proxy,
    )
    return Stage(edge, episodes, clock)


def link(clock: Clock, **changes: Any) -> Link:
    """Return a link to what :data:`DOCUMENT` asks, for Alice, for a quarter of an hour."""
    expires = int(clock().timestamp()) + 900
    return replace(Link(KEY, "run.1.1", "sha256:shown", "alice@example.com", expires, "jti-1"), **changes)


def token(clock: Clock, **changes: Any) -> str:
    """Return :func:`link` as a token."""
    return link_token(link(clock, **changes), KEYS)
