"""``lumen api``, ``lumen worker`` and ``lumen proofd``: one process each, as a service manager starts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from cli import datadir, logs
from cli.arenas import share_arenas
from cli.failure import FAILED
from cli.settings import load_process, require
from lumen.errors import LumenError
from lumen.settings import Settings
from proof.store import is_postgresql


def serve_api() -> None:
    """Serve the API until a signal asks to stop."""
    share_arenas()
    settings = load_process()
    wanted = {"bridge_keys": "BRIDGE_SECRET", "webhook_tokens": "LUMEN_WEBHOOK_TOKEN"}
    if not settings.tokens_file:
        wanted["api_tokens"] = "LUMEN_API_TOKEN"
    require(settings, **wanted)
    logs.configure("api", settings)
    _forward_core_logs()
    from api.run import serve  # noqa: PLC0415  # the other commands do without FastAPI

    _until_stopped("api", serve(settings))


def serve_worker(runners: tuple[str, ...]) -> None:
    """Work for the given runners until a signal asks to stop."""
    share_arenas()
    settings = load_process()
    require(
        settings,
        bridge_keys="BRIDGE_SECRET",
        proofd_tokens="PROOFD_TOKEN",
    )
    logs.configure("worker", settings)
    _forward_core_logs()
    from worker.run import serve  # noqa: PLC0415  # the other commands do without the worker

    _until_stopped("worker", serve(settings, runners=runners) if runners else serve(settings))


def serve_proofd() -> None:
    """Serve the ledger until a signal asks to stop."""
    share_arenas()
    settings = _with_ledger_file(load_process())
    require(settings, proofd_tokens="PROOFD_TOKEN")
    logs.configure("proofd", settings)
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  # the other commands do without the ledger

    from proof.run import ProofdConfig, serve  # noqa: PLC0415  # the other commands do without the ledger

    config = ProofdConfig(
        host=settings.proofd_addr.host,
        port=settings.proofd_addr.port,
        dsn=settings.proof_dsn,
        origin=settings.proof_origin,
        salt=settings.proof_salt,
        tokens=tuple(dict.fromkeys((*settings.proofd_tokens, *settings.api_tokens))),
        key_file=settings.proof_key_file,
        checkpoint_file=settings.proof_checkpoint_file,
        anchor_dir=settings.proof_anchor_dir,
        anchor_url=settings.proof_anchor_url,
        state_dir=settings.data_dir,
    )
    _until_stopped("proofd", serve(config, CollectorRegistry()))


def _until_stopped(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except LumenError:
        raise
    except Exception:
        # The edge of the process: what nobody foresaw goes into the log like everything else, as one line.
        logging.getLogger(f"lumen.{name}").critical("%s failed", name, exc_info=True)
        raise typer.Exit(FAILED) from None


def _forward_core_logs() -> None:
    from cli.core_logs import forward  # noqa: PLC0415  # proofd does without Temporal

    forward()


def _with_ledger_file(settings: Settings) -> Settings:
    folder = Path(settings.data_dir).absolute()
    in_files = settings.proof_key_file and settings.proof_checkpoint_file
    if not settings.proof_dsn or (is_postgresql(settings.proof_dsn) and not in_files):
        datadir.create(folder)
    return settings if settings.proof_dsn else replace(settings, proof_dsn=f"sqlite:///{folder / 'proof.db'}")
