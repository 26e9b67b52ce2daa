"""The application around recording stand-ins: in process for most tests, behind real sockets where bytes matter."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.edge import Edge
from api.server import bind, serve_app
from lumen.setting_types import Address
from tests.api.fakes import FakeEpisodes, RecordingSink, make_edge


@pytest.fixture
def sink() -> RecordingSink:
    """Return an empty sink."""
    return RecordingSink()


@pytest.fixture
def episodes() -> FakeEpisodes:
    """Return no episodes."""
    return FakeEpisodes()


@pytest.fixture
def edge(sink: RecordingSink, episodes: FakeEpisodes) -> Edge:
    """Return an edge outside of embedded mode."""
    return make_edge(sink, episodes)


@pytest.fixture
def app(edge: Edge) -> FastAPI:
    """Return the application."""
    return create_app(edge)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the application in this process."""
    async with client_of(app) as client:
        yield client


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of ``app``; an error in the application becomes its 500, as it would over a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://lumen")


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """Serve ``app`` on a loopback port and yield the port."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with contextlib.closing(bind(Address("127.0.0.1", 0))) as listener:
        ready = lambda _host, port: started.set_result(port)  # noqa: E731 - one line of wiring
        serving = asyncio.create_task(serve_app(app, listener, reload=lambda: None, ready=ready))
        try:
            yield await asyncio.wait_for(started, 10)
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
