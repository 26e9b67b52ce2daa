"""Starting a rule by hand."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.body import OTHER_BYTES, parse_object, read_body
from api.edge import TheEdge, Voter
from api.problems import Json
from api.requests import request_run

router = APIRouter()


@router.post("/runs")
async def run(request: Request, edge: TheEdge, caller: Voter) -> Json:
    """Ask for a rule to run ``{rule, target?, labels?, annotations?, actor, reason}``; the votes are the same as ever."""
    body = parse_object(await read_body(request, OTHER_BYTES, edge.body_seconds))
    return Json(await request_run(edge, body, caller), 202)
