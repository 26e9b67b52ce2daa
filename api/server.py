"""Serving an application with uvicorn: bounded shutdown, signals that end it cleanly, nothing of a request in the logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from lumen.errors import SettingsError
from lumen.setting_types import Address

_log = logging.getLogger("lumen.api")
_DRAIN_SECONDS = 10
# Longer than the idle time after which common clients drop a connection, so that no request meets a closing server.
_KEEP_ALIVE_SECONDS = 120


async def serve_app(
    app: FastAPI,
    listener: socket.socket,
    *,
    reload: Callable[[], None],
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """Serve ``app`` on a bound socket until SIGTERM, SIGINT or cancellation; SIGHUP calls ``reload``."""

    def started() -> None:
        host, port = listener.getsockname()[:2]
        _log.info("the API listens on %s port %d", host, port)
        if ready is not None:
            ready(host, port)

    server = _Server(_config(app), started)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        with _signals(server.stop, reload):
            await asyncio.shield(serving)
    finally:
        server.stop()
        await serving


def _config(app: FastAPI) -> uvicorn.Config:
    """Return how uvicorn serves ``app``. Its access log would print query strings, and with them tokens."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would raise the signal again after the shutdown and kill the process."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    def stop(self) -> None:
        self.should_exit = True


@contextlib.contextmanager
def _signals(stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can be told by signals
        return
    loop = asyncio.get_running_loop()
    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


def bind(address: Address) -> socket.socket:
    """Return a socket bound to ``address`` (port 0: the OS chooses); raises :class:`SettingsError` if it is taken."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"LUMEN_API_ADDR: cannot listen on {address}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except OSError as error:
        listener.close()
        raise SettingsError(f"LUMEN_API_ADDR: cannot listen on {address}: {error.strerror}") from None
    return listener
