"""Runs proofd: open and verify the ledger, serve until told to stop, and stop at once when the store fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry

from proof.errors import StartError, StoppedError
from proof.format.entry import log_id
from proof.http.metrics import build_info
from proof.http.service import create_app
from proof.ledger import Ledger, Places, open_ledger
from proof.store import LogIdentity, beside, place
from proof.verifying import INTERVAL_SECONDS

_log = logging.getLogger(__name__)
_DRAIN_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75
_MAX_ORIGIN_BYTES = 255


@dataclass(frozen=True)
class ProofdConfig:
    """How to run proofd.

    ``port`` 0 lets the OS choose. ``dsn`` is one of ``proof.store.open_store``. ``origin`` names the log for the world, like
    ``lumen.example.com/ledger``: no spaces and no "+", since it is the name of the keys in signed checkpoints. ``salt``
    separates this log from others of the same origin. ``tokens`` are the accepted bearer tokens.

    ``key_file`` and ``checkpoint_file`` are paths; empty ones are beside the ledger (``beside``), for one on PostgreSQL in
    ``state_dir``, and only a key file there is made if it is missing. ``anchor_dir`` and ``anchor_url`` say where
    checkpoints are published besides.
    """

    host: str
    port: int
    dsn: str = field(repr=False)
    origin: str
    salt: bytes | str = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    key_file: str = ""
    checkpoint_file: str = ""
    anchor_dir: str = ""
    anchor_url: str = field(default="", repr=False)
    verify_seconds: float = INTERVAL_SECONDS
    state_dir: str = "."


async def serve(
    config: ProofdConfig, registry: CollectorRegistry, ready: Callable[[str, int], None] | None = None
) -> None:
    """Serve until SIGTERM, SIGINT or cancellation, then finish what was accepted and return. SIGHUP changes nothing.

    ``ready`` is called with host and port when requests are answered. Raises ``StartError`` (one line: bad settings,
    address in use, ledger open elsewhere, chain that does not verify) and ``StoppedError`` (a write failed); the process
    must then exit with a code other than 0.
    """
    identity, places = _identity(config), _places(config)
    if not config.tokens or not all(config.tokens):
        raise StartError("proofd needs at least one token, and none may be empty: set PROOFD_TOKEN")
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[BaseException] = loop.create_future()

    def fail(error: BaseException) -> None:
        if not failed.done():  # writer and notary may both fail
            failed.set_result(error)

    def on_fatal(error: BaseException) -> None:
        loop.call_soon_threadsafe(fail, error)

    build_info(registry, version("lumen-remediation"))
    with _handling({signal.SIGHUP: _hung_up}), contextlib.closing(_bind(config.host, config.port)) as listener:
        ledger = await asyncio.to_thread(open_ledger, config.dsn, identity, places, registry, on_fatal)
        store = ledger.store
        try:
            _log.info("the ledger verified: %d entries, head %s", store.head.height, store.head.leaf)
            await _serve(ledger, config, registry, listener, failed, ready)
        finally:
            await asyncio.to_thread(ledger.close)
    if failed.done():
        raise StoppedError(f"proofd stopped: {store.failure}. Restart it: everything is verified again at the start")


async def _serve(
    ledger: Ledger,
    config: ProofdConfig,
    registry: CollectorRegistry,
    listener: socket.socket,
    failed: asyncio.Future[BaseException],
    ready: Callable[[str, int], None] | None,
) -> None:
    def started() -> None:
        host, port = listener.getsockname()[:2]
        _log.info("proofd listens on %s port %d", host, port)
        if ready is not None:
            ready(host, port)

    settings = uvicorn.Config(
        create_app(ledger, config.tokens, registry),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = _Server(settings, started)
    failed.add_done_callback(lambda _: server.stop())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        with _handling({signal.SIGTERM: server.stop, signal.SIGINT: server.stop}):
            await asyncio.shield(serving)
    finally:
        server.stop()
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would raise the signal again before the store is closed."""

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
def _handling(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can be told by signals
        return
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


def _hung_up() -> None:
    _log.info("SIGHUP changes nothing here: proofd reads its settings and keys when it starts")


def _identity(config: ProofdConfig) -> LogIdentity:
    origin = config.origin
    if not origin.isprintable() or not 0 < len(origin.encode("utf-8", "replace")) <= _MAX_ORIGIN_BYTES:
        raise StartError(f"the origin of the ledger must have 1 to {_MAX_ORIGIN_BYTES} printable bytes")
    if any(character.isspace() or character == "+" for character in origin):
        raise StartError('the origin of the ledger must hold no spaces and no "+": use a name like example.com/ledger')
    salt = config.salt.encode("utf-8") if isinstance(config.salt, str) else config.salt
    return LogIdentity(origin, log_id(origin, salt))


def _places(config: ProofdConfig) -> Places:
    if not (config.key_file and config.checkpoint_file):
        key, note = beside(place(config.dsn, config.state_dir))
    return Places(
        key_file=Path(config.key_file) if config.key_file else key,
        checkpoint_file=Path(config.checkpoint_file) if config.checkpoint_file else note,
        makes_key=not config.key_file,
        anchor_folder=Path(config.anchor_dir) if config.anchor_dir else None,
        anchor_url=config.anchor_url,
        verify_seconds=config.verify_seconds,
    )


def _bind(host: str, port: int) -> socket.socket:
    """Return a bound socket that does not listen yet, so that a port in use is found before a long verification."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"proofd cannot listen on {host}:{port}: {error.strerror}. Correct PROOFD_ADDR") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise StartError(f"proofd cannot listen on {host}:{port}: {error.strerror}. Correct PROOFD_ADDR") from None
    return listener
