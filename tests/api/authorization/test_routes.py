"""Every route of the API against every credential: who is let in, who is not, and that nothing of theirs is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import create_app
from api.pages.forward_auth import forward_auth
from api.pages.pacing import Tries
from api.reception import Reception
from api.slack.running import make_desk
from lumen.settings import Settings
from tests.api.authorization.credentials import (
    PROXY_HEADER,
    PROXY_PEER,
    PROXY_SECRET,
    SLACK_BODY,
    SLACK_SECRET,
    Credential,
    book,
    credentials,
)
from tests.api.authorization.table import EMBEDDED, EXPECTED, ROUTES, Route
from tests.api.console.samples import Console, console
from tests.api.fakes import FakeCommands, RecordingSink, find_rule
from tests.api.pages.samples import KEY
from tests.rules.documents import rules_of

_RULE = "rules: [{alert: Ask, target: t, actions: [{proof: true}]}]"
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def routes_of(app: FastAPI) -> Iterator[str]:
    """Yield method and path of every route that the application serves; what is no plain route is named by its type."""
    for route in iter_route_contexts(app.routes):
        for method in sorted(getattr(route, "methods", None) or {type(route.original_route).__name__}):
            yield f"{method} {route.path}"


class House:
    """One application, and everything that a request may leave behind in it."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession, *, embedded: bool) -> None:
        self.console: Console = console()
        self.sink, self.commands = RecordingSink(), FakeCommands()
        stage, rules = self.console.stage, rules_of(folder, _RULE)
        desk = make_desk(Settings(slack_bot_token="xoxb-1", slack_signing_secrets=(SLACK_SECRET,)), session)
        self.edge = replace(
            stage.edge,
            tokens=book(embedded=embedded),
            reception=Reception(find_rule, self.sink, stage.edge.metrics),
            commands=self.commands,
            rules=lambda: rules,
            slack=desk,
            forward_auth=forward_auth(PROXY_HEADER, [f"{PROXY_PEER}/32"], PROXY_SECRET, ["read", "vote"]),
        )
        self.app = create_app(self.edge)
        self.credentials = credentials(self.edge, stage.clock)

    def forget(self) -> None:
        """Begin anew."""
        episodes, guards, switch = self.console.stage.episodes, self.console.guards, self.console.switch
        kept: tuple[list[Any] | set[Any] | dict[str, Any], ...] = (
            *(episodes.voted, episodes.sent, guards.cleared, switch.turned),
            *(self.sink.routed, self.sink.queued, self.sink.open, self.commands.started),
        )
        for each in kept:
            each.clear()
        self.console.switch.stands = {"frozen": False}
        self.app.state.tries = Tries()

    def left(self) -> list[Any]:
        """Return all that was changed."""
        left = [*self.console.stage.recorded, *self.sink.routed, *self.sink.queued, *self.commands.started]
        return [*left, *self.console.guards.cleared, *self.console.switch.turned]

    async def send(self, name: str, route: Route, credential: Credential) -> httpx.Response:
        """Send the request of one cell of the table."""
        method, path = name.split(" ")
        path = (route.path or path).replace("{key}", KEY)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(credential.peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url=self.edge.site.base_url) as client:
            query = {**route.query, **({"token": credential.link} if method == "GET" and credential.link else {})}
            headers, content = _content(route, credential)
            pairs = [*headers.items(), *credential.headers.items(), *credential.twice.items()]
            return await client.request(method, path, params=query or None, headers=pairs, content=content)


def _content(route: Route, credential: Credential) -> tuple[dict[str, str], bytes | None]:
    if route.kind == "slack":
        return {**_FORM, **credential.slack}, SLACK_BODY
    if route.form is not None:
        typed = {"token": credential.typed} if route.kind == "sign-in" else {}
        fields = {**route.form, **typed, **credential.form}
        return {**_FORM, **credential.origin}, urlencode(fields).encode()
    if route.json is None:
        return {}, None
    body = dict(route.json)
    if route.kind == "link":
        body["token"] = credential.link
    elif route.kind in {"vote", "override", "command"} and credential.typed == "the-api-token":
        body["actor"] = "alice@example.com"  # a token of nobody says who speaks
    return _JSON, httpx.Request("POST", "http://x", json=body).content


def verdict_of(answer: httpx.Response, route: Route) -> str:
    """Return the word of the table for ``answer``."""
    where = answer.headers.get("location", "")
    if answer.status_code == 303 and where.startswith("/sign-in") and route.kind not in {"form", "sign-in"}:
        return "in"
    if answer.status_code == 303 and where.endswith("said=scope"):
        return "scope"
    if route.kind == "form" and answer.status_code == 303:
        return "ok" if "set-cookie" in answer.headers else "in"
    return "ok" if answer.status_code == route.ok else str(answer.status_code)


@pytest.fixture(params=[False, True], ids=["production", "embedded"])
def embedded(request: pytest.FixtureRequest) -> bool:
    """Whether it is the API of ``lumen up``."""
    return bool(request.param)


async def test_every_route_stands_in_the_table(tmp_path: Path) -> None:
    """A route that is added without a row here fails, and so does a row without a route, or a credential without a cell."""
    async with aiohttp.ClientSession() as session:
        house = House(tmp_path, session, embedded=False)
    served = list(routes_of(house.app))
    assert sorted(served) == sorted(ROUTES), "give each route its row in tests/api/authorization/table.py"
    assert {route.kind for route in ROUTES.values()} == set(EXPECTED)
    assert all(set(row) == set(house.credentials) for row in EXPECTED.values())


@pytest.mark.parametrize("name", sorted(ROUTES))
async def test_who_is_let_in(name: str, tmp_path: Path, embedded: bool) -> None:
    """Each credential gets the answer of the table; who is refused changes nothing and gets no session."""
    route = ROUTES[name]
    expected = EXPECTED[route.kind] | (EMBEDDED.get(route.kind, {}) if embedded else {})
    found: dict[str, str] = {}
    async with aiohttp.ClientSession() as session:
        house = House(tmp_path, session, embedded=embedded)
        for credential in expected:
            house.forget()
            answer = await house.send(name, route, house.credentials[credential])
            found[credential] = verdict_of(answer, route)
            if found[credential] == "ok":
                assert bool(house.left()) is route.changes, (credential, answer.text)
            else:
                assert house.left() == [], credential
                assert "set-cookie" not in answer.headers, credential
    assert found == expected
