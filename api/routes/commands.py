"""The tee gateway: commands to the control bus, each with its proof."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.body import OTHER_BYTES, parse_object, read_body
from api.commands import send_command
from api.edge import Commander, TheEdge
from api.problems import Json

router = APIRouter()


@router.post("/commands")
async def command(request: Request, edge: TheEdge, caller: Commander) -> Json:
    """Send a command ``{command, args, idempotency_key?, actor?}``; the same key gives the same workflow."""
    body = parse_object(await read_body(request, OTHER_BYTES, edge.body_seconds))
    return Json(await send_command(edge, body, caller), 202)
