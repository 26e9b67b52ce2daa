"""``lumen api``, ``lumen worker`` and ``lumen proofd``: one process each, as a service manager starts them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from cli import datadir, logs
from cli.settings import load_process, require
from lumen.settings import Settings

LEDGER_ORIGIN = "lumen.local/ledger"
"""The name of the ledger in its checkpoints. ``PROOF_SALT`` tells the ledgers of two installations apart."""


def serve_api() -> None:
    """Serve the API until a signal asks to stop."""
    settings = load_process()
    wanted = {"bridge_keys": "BRIDGE_SECRET", "webhook_tokens": "LUMEN_WEBHOOK_TOKEN"}
    if not settings.tokens_file:
        wanted["api_tokens"] = "LUMEN_API_TOKEN"
    require(settings, **wanted)
    logs.configure("api", settings)
    _forward_core_logs()
    from api.run import serve  # noqa: PLC0415  # the other commands do without FastAPI

    asyncio.run(serve(settings))


def serve_worker(runners: tuple[str, ...]) -> None:
    """Work for the given runners until a signal asks to stop."""
    settings = load_process()
    require(
        settings,
        bridge_keys="BRIDGE_SECRET",
        proofd_tokens="PROOFD_TOKEN",
    )
    logs.configure("worker", settings)
    _forward_core_logs()
    from worker.run import serve  # noqa: PLC0415  # the other commands do without the worker

    asyncio.run(serve(settings, runners=runners) if runners else serve(settings))


def serve_proofd() -> None:
    """Serve the ledger until a signal asks to stop."""
    settings = _with_ledger_file(load_process())
    require(settings, proofd_tokens="PROOFD_TOKEN")
    logs.configure("proofd", settings)
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  # the other commands do without the ledger

    from proof.run import ProofdConfig, serve  # noqa: PLC0415  # the other commands do without the ledger

    config = ProofdConfig(
        host=settings.proofd_addr.host,
        port=settings.proofd_addr.port,
        dsn=settings.proof_dsn,
        origin=LEDGER_ORIGIN,
        salt=settings.proof_salt,
        tokens=tuple(dict.fromkeys((*settings.proofd_tokens, *settings.api_tokens))),
    )
    asyncio.run(serve(config, CollectorRegistry()))


def _forward_core_logs() -> None:
    from cli.core_logs import forward  # noqa: PLC0415  # proofd does without Temporal

    forward()


def _with_ledger_file(settings: Settings) -> Settings:
    if settings.proof_dsn:
        return settings
    folder = Path(settings.data_dir).absolute()
    datadir.create(folder)
    return replace(settings, proof_dsn=f"sqlite:///{folder / 'proof.db'}")
