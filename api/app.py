"""The HTTP application, made of collaborators that the caller gives."""

from __future__ import annotations

from fastapi import FastAPI

from api.access_log import AccessLog
from api.edge import Edge
from api.openapi.description import describe
from api.pages import console, console_episode, console_guards, decision, live, signin
from api.pages.overview import Overview
from api.pages.pacing import Tries
from api.pages.rendering import Pages
from api.problems import install
from api.routes import alerts, commands, health, runs, slack, votes, webhooks


def create_app(edge: Edge) -> FastAPI:
    """Return the application. It has no pages of its own documentation, so that nothing is open without need."""
    app = FastAPI(title="Lumen", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.edge = edge
    app.state.pages = Pages(edge.site)
    app.state.overview = Overview(edge)
    app.state.tries = Tries()
    # FastAPI's own way to change the document: https://fastapi.tiangolo.com/how-to/extending-openapi/
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    install(app)
    for module in (webhooks, alerts, votes, runs, commands, health, signin, decision, slack):
        app.include_router(module.router)
    for page in (live, console, console_episode, console_guards):
        app.include_router(page.router)
    app.add_middleware(AccessLog, metrics=edge.metrics, webhooks=webhooks.WEBHOOK_PATHS)
    return app
