"""Deciding by token."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.ballots import cast_body, cast_override
from api.body import OTHER_BYTES, parse_object, read_body
from api.edge import Key, Overrider, TheEdge, Voter
from api.problems import Json

router = APIRouter()


@router.post("/alerts/{key}/votes")
async def vote(request: Request, edge: TheEdge, caller: Voter, key: Key) -> Json:
    """Cast a vote ``{decision, actor, reason}``, optionally on the ``approval_id`` and ``digest`` that were shown."""
    body = parse_object(await read_body(request, OTHER_BYTES, edge.body_seconds))
    status, content = await cast_body(edge, key, body, caller)
    return Json(content, status)


@router.post("/alerts/{key}/override")
async def override(request: Request, edge: TheEdge, caller: Overrider, key: Key) -> Json:
    """Send an override ``{decision: approve|reject|cancel|retry, actor, reason}``."""
    body = parse_object(await read_body(request, OTHER_BYTES, edge.body_seconds))
    return Json(await cast_override(edge, key, body, caller), 202)
