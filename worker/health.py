"""The worker's HTTP side: metrics and health, nothing else."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from temporalio.client import Client
from temporalio.service import RPCError

_CHECK_SECONDS = 2.0


def create_health_app(registry: CollectorRegistry, client: Client) -> FastAPI:
    """Return the app; ready means that Temporal answers."""
    app = FastAPI(openapi_url=None)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/healthz")
    @app.get("/-/healthy")
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    @app.get("/-/ready")
    async def readyz() -> Response:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                ready = await client.service_client.check_health()
        except (RPCError, TimeoutError):
            ready = False
        text = "ready\n" if ready else "Temporal does not answer\n"
        return Response(text, status_code=200 if ready else 503, media_type="text/plain")

    return app
