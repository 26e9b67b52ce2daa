"""Health and metrics, open without a token."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.exposition import choose_encoder

from api.edge import TheEdge
from api.problems import Json, Problem

router = APIRouter()


@router.api_route("/healthz", methods=["GET", "HEAD"])
@router.api_route("/-/healthy", methods=["GET", "HEAD"])
async def alive() -> Json:
    """Say that this process serves requests."""
    return Json({"status": "ok"})


@router.api_route("/readyz", methods=["GET", "HEAD"])
@router.api_route("/-/ready", methods=["GET", "HEAD"])
async def ready(edge: TheEdge) -> Json:
    """Say whether alerts can be accepted: Temporal is reachable. Nothing else counts."""
    if not await edge.episodes.healthy():
        raise Problem(503, "Temporal cannot be reached: alerts are not accepted now", reason="temporal_unreachable")
    return Json({"status": "ready"})


@router.get("/metrics")
async def metrics(request: Request, edge: TheEdge) -> Response:
    """Return the metrics in the format that the scraper asks for."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(edge.metrics.registry), media_type=None, headers={"Content-Type": content_type})
