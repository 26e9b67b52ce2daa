"""Runs a worker until it is told to stop, and serves its metrics and health meanwhile."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import uvicorn
from prometheus_client import CollectorRegistry
from temporalio.client import Client

from activities.ahead import Compared
from activities.connection import connect
from activities.execution.standby import Standby
from activities.kinds.command import CAPTURE_BYTES
from activities.ledger_client import LedgerClient
from activities.metrics import WorkerMetrics
from lumen.errors import LedgerError, LedgerUnavailableError, SettingsError
from lumen.records import rules_entry
from lumen.settings import Settings
from rules.freshness import keep_fresh
from rules.source import RuleSource
from worker.census import count_open_episodes
from worker.health import create_health_app
from worker.outages import watch_temporal
from worker.putback import keep_compared
from worker.stuck import watch_stuck
from worker.wiring import build_workers, wire

_LOG = logging.getLogger("lumen.worker")
_RULES_LOOK = 0.25
_LEDGER_PAUSE = 2.0
_CONNECT_PAUSE = 1.0


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the worker: it decides in which order things stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, runners: Sequence[str] = ("default",)) -> None:
    """Run until SIGTERM or SIGINT; actions that run get time to finish.

    Raises:
        SettingsError: a setting that a worker needs is missing.
        RulesError: the rules cannot be loaded at the start (later, the last good set is kept).

    """
    _check(settings)
    source = RuleSource(Path(settings.rules), "signal" if settings.embedded else "link")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reload = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    registry = CollectorRegistry()
    connected = await _connect(settings, stop)
    if connected is None:
        return
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        metrics = WorkerMetrics(registry, version("lumen-remediation"))
        standby = await stack.enter_async_context(Standby(CAPTURE_BYTES))
        compared, outage = Compared(), asyncio.Event()
        wired = wire(settings, connected, http, source, metrics, standby, compared)
        stack.push_async_callback(wired.close)
        for worker in build_workers(connected, wired, runners):
            await stack.enter_async_context(worker)
        server = _server(settings, registry, connected)
        serving = asyncio.create_task(server.serve())
        ledger = LedgerClient(http, settings.proofd_url, settings.proofd_tokens[0])
        watching = [
            asyncio.create_task(keep_fresh(source, reload)),
            asyncio.create_task(_announce_rules(source, ledger)),
            asyncio.create_task(watch_temporal(connected, outage)),
            asyncio.create_task(count_open_episodes(connected, metrics, outage)),
            asyncio.create_task(keep_compared(connected, ledger, compared, outage)),
            asyncio.create_task(watch_stuck(connected, metrics)),
        ]
        _LOG.info("worker started", extra={"runners": list(runners)})
        await stop.wait()
        server.should_exit = True
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, serving, return_exceptions=True)


def _check(settings: Settings) -> None:
    needed = {
        "PROOFD_URL": settings.proofd_url,
        "PROOFD_TOKEN": settings.proofd_tokens,
        "BRIDGE_SECRET": settings.bridge_keys,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise SettingsError(f"{', '.join(missing)}: a worker needs this; set it to what the API and proofd have")
    bus = settings.control_bus_url
    if bus and bus.split("//", 1)[1].split("/")[0] == str(settings.api_addr):
        raise SettingsError("CONTROL_BUS_TARGET is Lumen's own API: a control bus must be another service")


async def _connect(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Connect to Temporal, for as long as it takes: a worker may well be started before its server."""
    said = False
    while not stop.is_set():
        try:
            return await connect(settings)
        except RuntimeError as error:
            if not said:
                _LOG.warning("Temporal cannot be reached yet, trying on: %s", error)
                said = True
            await asyncio.sleep(_CONNECT_PAUSE)
    return None


def _server(settings: Settings, registry: CollectorRegistry, client: Client) -> uvicorn.Server:
    config = uvicorn.Config(
        create_health_app(registry, client),
        host=settings.worker_addr.host,
        port=settings.worker_addr.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    return _QuietServer(config)


async def _announce_rules(source: RuleSource, ledger: LedgerClient) -> None:
    """Record in the ledger which rules are in force, at the start and after each reload; once for each content."""
    announced = ""
    while True:
        ruleset, pause = source.current, _RULES_LOOK
        if ruleset.digest != announced:
            try:
                text, hidden = ruleset.text()
                names = [rule.name for rule in ruleset.rules]
                await ledger.append(rules_entry(ruleset.digest, names, text, hidden=hidden))
            except LedgerUnavailableError:
                pause = _LEDGER_PAUSE  # the ledger's own metrics and every waiting episode say that it is away
            except LedgerError:
                _LOG.exception("the ledger refused to record the rules")
                announced = ruleset.digest
            else:
                announced = ruleset.digest
        await asyncio.sleep(pause)
