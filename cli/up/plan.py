"""What ``lumen up`` will start, decided before anything starts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from activities.connection import connect
from cli.failure import CommandError
from cli.settings import layered, load, local_url
from cli.up import temporal_server
from cli.up.children import Piece
from cli.up.ports import Wanted
from lumen.setting_types import Address
from lumen.settings import Settings

_PAUSE = 0.1
_WORKER_GRACE = 40.0
"""More than the 30 s that the worker itself gives to actions that run."""


@dataclass(frozen=True)
class Plan:
    """The settings of this start, with absolute paths, and the environment that every process of Lumen gets."""

    settings: Settings
    environ: Mapping[str, str]
    data_dir: Path
    own_temporal: bool
    own_ledger: bool

    def wanted(self) -> list[Wanted]:
        """Return every address that will be listened on."""
        settings = self.settings
        found = []
        if self.own_temporal:
            host = temporal_server.HOST
            found += [
                Wanted("Temporal server", "LUMEN_TEMPORAL_PORT", Address(host, settings.temporal_port)),
                Wanted("Temporal UI", "LUMEN_TEMPORAL_UI_PORT", Address(host, settings.temporal_ui_port)),
            ]
        if self.own_ledger:
            found.append(Wanted("ledger (proofd)", "PROOFD_ADDR", settings.proofd_addr))
        found += [
            Wanted("worker's metrics", "LUMEN_WORKER_ADDR", settings.worker_addr),
            Wanted("API", "LUMEN_API_ADDR", settings.api_addr),
        ]
        return found

    def endpoints(self) -> dict[str, str]:
        """Return what other commands need to find the running processes, by variable."""
        settings = self.settings
        return {
            "LUMEN_API_ADDR": str(settings.api_addr),
            "PUBLIC_BASE_URL": settings.public_base_url,
            "LUMEN_WORKER_ADDR": str(settings.worker_addr),
            "TEMPORAL_ADDRESS": settings.temporal_address,
            "TEMPORAL_NAMESPACE": settings.temporal_namespace,
            **({"PROOFD_ADDR": str(settings.proofd_addr)} if self.own_ledger else {"PROOFD_URL": settings.proofd_url}),
        }


def make_plan(environ: Mapping[str, str], secrets: Mapping[str, str], data_dir: Path, rules: Path) -> Plan:
    """Return the plan for this environment; ``secrets`` are used where the environment has none."""
    mine = layered(environ, secrets)
    own_temporal, own_ledger = not mine.get("TEMPORAL_ADDRESS", "").strip(), not mine.get("PROOFD_URL", "").strip()
    first = load(mine)
    address = f"{temporal_server.HOST}:{first.temporal_port}"
    if own_temporal:
        # TLS and keys are for another server than the one that is started here.
        mine = {name: value for name, value in mine.items() if not name.startswith("TEMPORAL_")}
        mine |= {"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": first.temporal_namespace}
    settings = replace(
        first,
        embedded=own_temporal,
        data_dir=str(data_dir),
        rules=str(rules),
        temporal_address=address if own_temporal else first.temporal_address,
        temporal_env={name: value for name, value in mine.items() if name.startswith("TEMPORAL_")},
        public_base_url=first.public_base_url if environ.get("PUBLIC_BASE_URL") else local_url(first.api_addr),
        proof_dsn=first.proof_dsn or f"sqlite:///{data_dir / 'proof.db'}",
    )
    mine |= {
        "LUMEN_EMBEDDED": "1" if own_temporal else "0",
        "LUMEN_DATA_DIR": str(data_dir),
        "LUMEN_RULES": str(rules),
        "PROOFD_URL": settings.proofd_url,
        "PUBLIC_BASE_URL": settings.public_base_url,
    }
    if not mine.get("PROOF_DSN_FILE"):  # what stands in a file stays there
        mine["PROOF_DSN"] = settings.proof_dsn
    return Plan(settings, mine, data_dir, own_temporal, own_ledger)


def pieces(plan: Plan, program: str) -> list[Piece]:
    """Return what to start, in order: each needs the ones before it. ``program`` is ``temporal``, if it is to run."""
    settings = plan.settings
    found = []
    if plan.own_temporal:
        # Nothing of Lumen's environment is the business of this program.
        bare = {name: plan.environ[name] for name in ("PATH", "TMPDIR", "LANG", "TZ") if name in plan.environ}
        argv = temporal_server.arguments(program, settings, plan.data_dir / "temporal.db")
        home = {"HOME": str(plan.data_dir)}
        found.append(Piece("temporal", argv, bare | home, lambda: _prepare(settings), shows_errors=False))
    if plan.own_ledger:
        health = local_url(settings.proofd_addr) + "/healthz"
        found.append(replace(_own("proofd", plan, health), ready=lambda: ledger_ready(health)))
    worker = _own("worker", plan, local_url(settings.worker_addr) + "/healthz")
    found.append(replace(worker, grace=_WORKER_GRACE))
    found.append(_own("api", plan, local_url(settings.api_addr) + "/readyz"))
    return found


def _own(name: str, plan: Plan, health: str) -> Piece:
    # -P: a folder called rules/ or cli/ in the current directory is data, not code.
    argv = (sys.executable, "-P", "-m", "cli.main", name)
    return Piece(name, argv, plan.environ, lambda: healthy(health))


async def _prepare(settings: Settings) -> None:
    client = await temporal_server.connected(settings.temporal_address, settings.temporal_namespace)
    await temporal_server.keep_history(client)
    await temporal_server.ensure_attributes(client)


async def check_foreign_temporal(settings: Settings) -> None:
    """Make sure that a Temporal server which runs already has what Lumen needs.

    Raises:
        CommandError: the search attributes are missing and cannot be added.
        RuntimeError: it cannot be reached.

    """
    await temporal_server.ensure_attributes(await connect(settings))


async def healthy(url: str) -> None:
    """Return as soon as a GET of ``url`` is answered with 200; waits for ever."""
    while True:
        if await _answered(url) == httpx.codes.OK:
            return
        await asyncio.sleep(_PAUSE)


async def ledger_ready(url: str) -> None:
    """Return as soon as proofd takes entries; ``url`` is that of its health.

    Raises:
        CommandError: it runs, but read-only, and will stay so. It has said why.

    """
    while (status := await _answered(url)) != httpx.codes.OK:
        if status == httpx.codes.SERVICE_UNAVAILABLE:
            raise CommandError(
                "the ledger starts read-only, so that nothing would be done: see docs/ledger.md#when-it-starts-read-only"
            )
        await asyncio.sleep(_PAUSE)


async def _answered(url: str) -> int:
    """Return the status of a GET; 0 if nobody answers."""
    async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
        try:
            return (await client.get(url)).status_code
        except httpx.HTTPError:
            return 0
