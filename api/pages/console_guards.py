"""Guards and the freeze switch, on one page: what holds actions back, and ending that."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from api.edge import Edge, TheEdge
from api.freezing import AlreadyFrozenError, NotFrozenError
from api.guards import Found, Order
from api.pages.console import banner
from api.pages.framing import PageRoute, TheReader, back_to, frame, reason_in, refusal, why_no_override
from api.pages.live import answer
from api.pages.moments import Clock
from api.pages.overview import TheOverview
from api.pages.rendering import ThePages
from api.pages.visitors import Visitor, read_form
from lumen.errors import LumenError
from lumen.wording import Wording

router = APIRouter(route_class=PageRoute)

_REASON_LIMIT = 2000
_NAME_LIMIT = 500
_PREFIXES = ("target", "budget")


@router.get("/guards")
async def guards(
    request: Request, edge: TheEdge, pages: ThePages, overview: TheOverview, visitor: TheReader
) -> Response:
    """Show what is held, waits and cools, and the switch that stops everything."""
    found, freeze = await asyncio.gather(overview.guards.get(), overview.freeze.get())
    clock = Clock(Wording(edge.site.lang), edge.now())
    values = {
        **frame(request, visitor, "guards"),
        **banner(freeze, clock),
        "rows": _rows(found, clock) if found is not None else None,
        "why_not": why_no_override(visitor),
    }
    return answer(request, pages, "guards.html", values, clock.now, (visitor.form_token,))


def _rows(found: Found, clock: Clock) -> list[dict[str, Any]]:
    """Return guards, and episodes that are their own guard, for the page."""
    rows = [_guard(guard, clock) for guard in found.guards]
    rows += [
        {
            "id": episode["id"],
            "sort": "episode",
            "name": episode["id"],
            "held": [],
            "waiting": [],
            "cooling": [(episode.get("rule") or "", clock.when(episode.get("until")))],
            "stale": False,
        }
        for episode in found.episodes
    ]
    return rows


def _guard(guard: dict[str, Any], clock: Clock) -> dict[str, Any]:
    name = str(guard["id"])
    sort = next((prefix for prefix in _PREFIXES if name.startswith(f"{prefix}-")), "")
    cooling = guard.get("cooling") or {}
    return {
        "id": name,
        "sort": sort,
        "name": name.removeprefix(f"{sort}-") if sort else name,
        "held": [
            (_episode(place.get("holder")), str(place.get("rule") or ""), clock.when(place.get("lease_until")))
            for place in guard.get("places") or ()
        ],
        "waiting": [
            (_episode(claim.get("holder")), str(claim.get("rule") or "")) for claim in guard.get("waiting") or ()
        ],
        "cooling": [(rule, clock.when(until)) for rule, until in sorted(cooling.items())],
        "stale": bool(guard.get("stale")),
    }


def _episode(holder: object) -> str:
    """Return the key of the episode in the name of a holder, which is workflow id, run and attempt."""
    return str(holder or "").partition("/")[0].removeprefix("alert-")


@router.post("/guards/clear")
async def clear(request: Request, edge: TheEdge, overview: TheOverview, visitor: TheReader) -> Response:
    """End the cooldowns of one guard or episode."""
    fields = await read_form(request, edge, visitor)
    said = _checked(edge, visitor, fields)
    target = fields.get("target", "").strip()
    if not said and not 0 < len(target) <= _NAME_LIMIT:
        said = "malformed"
    if not said and edge.surroundings:
        order = Order(visitor.actor, reason_in(fields))
        try:
            said = "cleared" if await edge.surroundings.guards.clear(target, order) else "nothing_cleared"
        except LumenError as error:
            said = refusal(error)
        overview.guards.forget()
    return back_to("/guards", said)


@router.post("/freeze")
async def freeze(request: Request, edge: TheEdge, overview: TheOverview, visitor: TheReader) -> Response:
    """Turn the switch."""
    fields = await read_form(request, edge, visitor)
    said = _checked(edge, visitor, fields) or await _turn(edge, visitor, fields)
    overview.freeze.forget()
    return back_to("/guards", said)


async def _turn(edge: Edge, visitor: Visitor, fields: dict[str, str]) -> str:
    wanted, reason = fields.get("switch", ""), reason_in(fields)
    if wanted not in {"on", "off"} or edge.surroundings is None:
        return "malformed"
    switch = edge.surroundings.switch
    try:
        if wanted == "on":
            await switch.freeze(visitor.actor, reason)
            return "frozen"
        found = await switch.unfreeze(visitor.actor, reason)
    except AlreadyFrozenError:
        return "already_frozen"
    except NotFrozenError:
        return "not_frozen"
    except LumenError as error:
        return refusal(error)
    return "thawing" if found["frozen"] else "thawed"


def _checked(edge: Edge, visitor: Visitor, fields: dict[str, str]) -> str:
    """Return what keeps the visitor from doing it, as a code of a result; "" = nothing."""
    if why_no_override(visitor):
        return "scope"
    if edge.surroundings is None or len(reason_in(fields)) > _REASON_LIMIT:
        return "malformed"
    return "" if reason_in(fields) else "reason_missing"
