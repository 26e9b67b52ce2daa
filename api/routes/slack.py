"""Clicks in Slack, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.body import OTHER_BYTES, read_body
from api.edge import Edge, TheEdge
from api.errors import PayloadError
from api.problems import Json, Problem
from api.slack.errors import ForeignError
from api.slack.outcomes import Outcome
from api.slack.payload import read_form

router = APIRouter()


@router.post("/slack/interaction")
async def interaction(request: Request, edge: TheEdge) -> Response:
    """Take what Slack sends when somebody presses a button or sends a form; Slack's signature is the authentication."""
    desk = edge.slack
    if desk is None or desk.signatures is None:
        detail = "clicks in Slack are not taken here: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET, or use Socket Mode"
        raise Problem(404, detail, reason="slack_not_configured")
    from api.slack.interaction import interact  # noqa: PLC0415 - see api.slack.presence

    try:
        sent = desk.signatures.sent_at(request, edge.now)
        body = await read_body(request, OTHER_BYTES, edge.body_seconds)
        desk.signatures.check(request, body, edge.now)
    except Problem as problem:
        edge.metrics.interaction(Outcome.UNAUTHORIZED if problem.status == 401 else Outcome.MALFORMED)
        raise
    try:
        answer = await interact(edge, desk, _payload(edge, body), sent)
    except ForeignError as error:
        raise Problem(401, str(error), reason=error.reason) from None
    # Slack takes any text in the body for a message, so there is none.
    return Response(status_code=200) if answer is None else Json(answer)


def _payload(edge: Edge, body: bytes) -> Any:
    try:
        return read_form(body)
    except PayloadError:
        edge.metrics.interaction(Outcome.MALFORMED)
        raise
