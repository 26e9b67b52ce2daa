"""The collaborators of the routes, and the dependencies by which a route gets them. Authentication reads headers only."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Path, Request

from api.body import BODY_SECONDS
from api.errors import ParameterError
from api.metrics import ApiMetrics
from api.pages.forward_auth import ForwardAuth
from api.ports import Commands, Episodes
from api.problems import Problem
from api.reception import Reception
from api.surroundings import Surroundings
from api.tokens import Caller, Scope, TokenBook
from rules.model import RuleSet

if TYPE_CHECKING:
    from api.slack.desk import SlackDesk

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="lumen", Basic realm="lumen"'}


def utc_now() -> datetime:
    """Return the time of this process's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Site:
    """What people see of this installation: its address, its language, and where the Temporal UI is ("" = nobody said).

    ``link_seconds`` is how long a signed link counts.
    """

    base_url: str = "http://127.0.0.1:8080"
    lang: str = "en"
    link_seconds: int = 900
    temporal_ui_url: str = ""
    namespace: str = "default"


@dataclass(frozen=True)
class Edge:
    """Everything that the routes use; ``bridge_keys`` (kid to secret, newest first) sign ballots and page tokens.

    ``rules`` returns the rules in force now; ``forward_auth`` is None where no proxy names people,
    ``surroundings`` where nobody can tell of them.
    """

    tokens: TokenBook
    reception: Reception
    commands: Commands
    episodes: Episodes
    rules: Callable[[], RuleSet]
    metrics: ApiMetrics
    bridge_keys: dict[str, str] = field(repr=False)
    site: Site = field(default_factory=Site)
    slack: SlackDesk | None = None
    forward_auth: ForwardAuth | None = None
    surroundings: Surroundings | None = None
    body_seconds: float = BODY_SECONDS
    now: Callable[[], datetime] = utc_now


async def edge_of(request: Request) -> Edge:
    """Return the edge of the application that serves ``request``."""
    edge = request.app.state.edge
    if not isinstance(edge, Edge):
        raise TypeError("the application was not made by create_app")
    return edge


TheEdge = Annotated[Edge, Depends(edge_of)]


def caller_with(scope: Scope) -> Callable[[Request, Edge], Awaitable[Caller]]:
    """Return a dependency that lets only callers with ``scope`` pass, before anything of the body is read."""

    async def authenticated(request: Request, edge: TheEdge) -> Caller:
        headers = request.headers.getlist("authorization")
        caller = edge.tokens.caller(headers[0]) if len(headers) == 1 else None
        if caller is None:
            detail = "send a valid token: Authorization: Bearer <token>, or Basic with the token as password"
            raise Problem(401, detail, _CHALLENGE)
        if scope not in caller.scopes:
            raise Problem(403, _why_not(scope, caller), reason="scope")
        return caller

    return authenticated


def _why_not(scope: Scope, caller: Caller) -> str:
    if scope is Scope.WEBHOOK:
        return "this token may not send alerts: use one of LUMEN_WEBHOOK_TOKEN"
    if caller.scopes == {Scope.WEBHOOK}:
        return "this token may only send alerts: use one of LUMEN_API_TOKEN or of LUMEN_TOKENS_FILE"
    if caller.bound:
        return f'this token has not the scope "{scope}": grant it in LUMEN_TOKENS_FILE'
    return (
        f'a token of LUMEN_API_TOKEN belongs to nobody and has not the scope "{scope}" outside of embedded mode: '
        "bind one to a person in LUMEN_TOKENS_FILE"
    )


async def _valid_key(key: Annotated[str, Path()]) -> str:
    return check_key(key)


def check_key(key: str) -> str:
    """Return ``key`` if it can be the key of an episode; raises :class:`ParameterError`."""
    if not _KEY.fullmatch(key):
        raise ParameterError("a key looks like alertmanager-0aa043e5d176c819: letters, digits, '_', '.' and '-'")
    return key


Sender = Annotated[Caller, Depends(caller_with(Scope.WEBHOOK))]
Reader = Annotated[Caller, Depends(caller_with(Scope.READ))]
Voter = Annotated[Caller, Depends(caller_with(Scope.VOTE))]
Overrider = Annotated[Caller, Depends(caller_with(Scope.OVERRIDE))]
Commander = Annotated[Caller, Depends(caller_with(Scope.COMMAND))]
Key = Annotated[str, Depends(_valid_key)]
