"""Where alerts come in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request

from api.body import OTHER_BYTES, WEBHOOK_BYTES, parse_json, parse_object, read_body
from api.edge import Edge, Sender, TheEdge
from api.intakes import INTAKES
from api.intakes.protocol import Intake, Notification
from api.intakes.skeleton import parse_alert
from api.problems import Json
from api.reception import Matched

_THREAD_FROM_BYTES = 64 * 1024
_CONTEXT_STORE_SOURCE = "alertmanager"

WEBHOOK_PATHS = tuple(path + slash for path in INTAKES for slash in ("", "/"))
"""Every path of a webhook; both spellings are routes, since a redirect would turn an alert's POST into a GET."""

router = APIRouter()


def _webhook(intake: Intake) -> Callable[[Request, Edge, Sender], Awaitable[Json]]:
    async def receive(request: Request, edge: TheEdge, _caller: Sender) -> Json:
        body = await read_body(request, WEBHOOK_BYTES, edge.body_seconds)
        if len(body) < _THREAD_FROM_BYTES:
            notification, items = _read(intake, edge, body)
        else:
            notification, items = await asyncio.to_thread(_read, intake, edge, body)
        request.state.alerts = len(notification.alerts)
        answer = await edge.reception.commit(notification, items)
        return Json({"alerts": answer, "truncated": notification.truncated}, 202)

    return receive


def _read(intake: Intake, edge: Edge, body: bytes) -> tuple[Notification, list[Matched]]:
    notification = intake.parse(parse_json(body), edge.now())
    return notification, edge.reception.match(notification)


for _path, _intake in INTAKES.items():
    for _slash in ("", "/"):
        router.add_api_route(_path + _slash, _webhook(_intake), methods=["POST"], name=f"webhook {_path}{_slash}")


@router.post("/alert")
async def put_alert(request: Request, edge: TheEdge, _caller: Sender) -> Json:
    """Upsert one alert in the form of the context store; a webhook token, or any API token in embedded mode."""
    body = parse_object(await read_body(request, OTHER_BYTES, edge.body_seconds))
    alert = parse_alert(body, _CONTEXT_STORE_SOURCE, edge.now())
    notification = Notification(_CONTEXT_STORE_SOURCE, (alert,))
    request.state.alerts = 1
    (entry,) = await edge.reception.commit(notification, edge.reception.match(notification))
    return Json(entry, 202 if entry["result"] == "queued" else 200)
