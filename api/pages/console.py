"""The console: what waits for me, and episodes in a list."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api.edge import TheEdge
from api.errors import ParameterError
from api.pages.framing import PageRoute, TheReader, frame
from api.pages.live import answer
from api.pages.moments import Clock
from api.pages.overview import MOST_WAITING, TheOverview, known
from api.pages.rendering import ThePages
from api.pages.rows import row_of, split
from api.paging import seal, unseal
from api.ports import Filters
from lumen.outcome import Outcome, State
from lumen.wording import Wording

router = APIRouter(route_class=PageRoute)

_REFRESH = 30
_SHOWN_MINE = 100
_SHOWN_OTHERS = 50
_A_PAGE = 50


@router.get("/")
async def home(request: Request, edge: TheEdge, pages: ThePages, overview: TheOverview, visitor: TheReader) -> Response:
    """Show what waits for the visitor, then for others, then what was lately, and how the ledger stands."""
    waiting, recent, freeze, health = await asyncio.gather(
        overview.waiting.get(), overview.recent.get(), overview.freeze.get(), overview.health()
    )
    clock = Clock(Wording(edge.site.lang), edge.now())
    person = edge.rules().policy.principal(visitor.actor) if visitor.actor else ""
    mine, others = split(waiting or [], person)
    values = {
        **frame(request, visitor, "home", refresh=_REFRESH),
        "known": waiting is not None,
        "cut": MOST_WAITING if waiting is not None and len(waiting) >= MOST_WAITING else 0,
        "mine": [row_of(row, clock) for row in mine[:_SHOWN_MINE]],
        "mine_count": len(mine),
        "others": [row_of(row, clock) for row in others[:_SHOWN_OTHERS]],
        "others_count": len(others),
        "recent": [row_of(row, clock) for row in recent] if recent is not None else None,
        **banner(freeze, clock),
        "health": health,
        "checkpoint": clock.span(health.checkpoint_age) if health.checkpoint_age is not None else "",
    }
    return answer(request, pages, "home.html", values, clock.now)


@router.get("/episodes")
async def episodes(
    request: Request,
    edge: TheEdge,
    pages: ThePages,
    overview: TheOverview,
    visitor: TheReader,
    state: str = "",
    outcome: str = "",
    rule: Annotated[str, Query(max_length=1000)] = "",
    after: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """Show episodes, newest first, a page at a time."""
    filters = Filters(_one_of(State, state), _one_of(Outcome, outcome), rule.replace("\x00", "").strip())
    token = unseal(after, edge.bridge_keys)
    page, freeze = await asyncio.gather(known(edge.episodes.page(filters, _A_PAGE, token)), overview.freeze.get())
    clock = Clock(Wording(edge.site.lang), edge.now())
    chosen = {"state": filters.state, "outcome": filters.outcome, "rule": filters.rule}
    query = {name: value for name, value in chosen.items() if value}
    following = seal(page.after, edge.bridge_keys) if page else None
    values = {
        **frame(request, visitor, "episodes", refresh=_REFRESH),
        "rows": [row_of(row, clock) for row in page.rows] if page else None,
        **banner(freeze, clock),
        "chosen": chosen,
        "filtered": bool(query),
        "states": list(State),
        "outcomes": list(Outcome),
        "rules": sorted({rule.name for rule in edge.rules().rules}),
        "older": f"/episodes?{urlencode({**query, 'after': following})}" if following else "",
        "newest": f"/episodes?{urlencode(query)}" if after else "",
    }
    return answer(request, pages, "episodes.html", values, clock.now)


def banner(freeze: dict[str, Any] | None, clock: Clock) -> dict[str, Any]:
    """Return what a page says about the freeze switch; None = nobody can tell."""
    return {"freeze": freeze, "frozen_since": clock.when(freeze.get("since")) if freeze else None}


def _one_of(kind: type[State | Outcome], value: str) -> str:
    if value and value not in [str(item) for item in kind]:
        raise ParameterError(f"{value[:40]!r} is not one of {', '.join(kind)}")
    return value
