"""All that the demo starts, in a folder of its own and on ports of its own."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from cli import datadir
from cli.demo import monitoring, rulebook
from cli.demo.slack.workspace import CHANNEL, Workspace
from cli.ports import free_addresses
from cli.settings import ClientSettings, local_url
from cli.up import plan as planning
from cli.up import temporal_server
from cli.up.children import Piece
from lumen.setting_types import Address

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH")
"""No setting of Lumen: the demo must not reach anybody's Temporal server, Alertmanager or colleagues."""


@dataclass(frozen=True)
class Ports:
    """A port for everything that listens."""

    service: Address
    temporal: Address
    ui: Address
    proofd: Address
    worker: Address
    api: Address
    prometheus: Address
    alertmanager: Address
    slack: Address
    channel: Address


@dataclass(frozen=True)
class Stage:
    """What will run where. Without Prometheus and Alertmanager ``missing`` says which of them are not installed.

    ``workspace`` is the stand-in for Slack, if there is one; it runs in this process.
    """

    folder: Path
    ports: Ports
    plan: planning.Plan
    pieces: tuple[Piece, ...]
    missing: str
    workspace: Workspace | None = None

    @property
    def client(self) -> ClientSettings:
        """What the commands of `lumen` would find in the data directory."""
        return ClientSettings(self.plan.settings, local_url(self.ports.api), self.folder)


def prepare(folder: Path, environ: Mapping[str, str], *, slack: bool = False) -> Stage:
    """Write rules, configurations and secrets into the folder; nothing runs yet. ``slack``: with the stand-in for it.

    Raises:
        CommandError: the program `temporal` is missing, or the folder cannot be used.

    """
    program, found = temporal_server.find_program(), monitoring.find(environ)
    missing = found if isinstance(found, str) else ""
    ports = free_ports()
    datadir.create(folder)
    pid_file, rules = folder / "service.pid", folder / "rules"
    rulebook.write(rules, pid_file, condition=not missing)
    mine = _environment(folder, environ, ports, watched=not missing)
    workspace = _workspace(ports) if slack else None
    mine |= _slack_settings(workspace) if workspace else {}
    plan = planning.make_plan(mine, datadir.ensure_secrets(folder), folder, rules)
    datadir.write_private(folder / datadir.WEBHOOK_TOKEN_FILE, plan.settings.webhook_tokens[0])
    keeper = (sys.executable, "-P", "-m", "cli.demo.keeper", str(ports.service.port), str(pid_file))
    service = Piece("service", keeper, mine, lambda: planning.healthy(local_url(ports.service) + "/metrics"))
    # They first, since Prometheus lets some seconds pass before its first look.
    watching = [] if isinstance(found, str) else _watching(found, folder, ports, mine)
    return Stage(folder, ports, plan, (service, *watching, *planning.pieces(plan, program)), missing, workspace)


def free_ports() -> Ports:
    """Return ports that are free now, no two the same."""
    return Ports(*free_addresses(len(fields(Ports))))


def _environment(folder: Path, environ: Mapping[str, str], ports: Ports, *, watched: bool) -> dict[str, str]:
    return {name: environ[name] for name in _KEPT if name in environ} | {
        # A profile of Temporal's own in the person's home is for another server.
        "HOME": str(folder),
        "LUMEN_TEMPORAL_PORT": str(ports.temporal.port),
        "LUMEN_TEMPORAL_UI_PORT": str(ports.ui.port),
        "PROOFD_ADDR": str(ports.proofd),
        "LUMEN_WORKER_ADDR": str(ports.worker),
        "LUMEN_API_ADDR": str(ports.api),
        **({"PROMETHEUS_URL": local_url(ports.prometheus)} if watched else {}),
    }


def _workspace(ports: Ports) -> Workspace:
    # Both are new in each run, as for every other secret of the demo.
    token, secret = f"xoxb-{secrets.token_hex(16)}", secrets.token_hex(16)
    return Workspace(ports.slack, ports.channel, local_url(ports.api) + "/slack/interaction", token, secret)


def _slack_settings(workspace: Workspace) -> dict[str, str]:
    return {
        "SLACK_API_BASE_URL": workspace.slack.api_url,
        "SLACK_BOT_TOKEN": workspace.slack.bot_token,
        "SLACK_SIGNING_SECRET": workspace.slack.signing_secret,
        "SLACK_CHANNEL": CHANNEL,
    }


def _watching(programs: monitoring.Programs, folder: Path, ports: Ports, environ: Mapping[str, str]) -> list[Piece]:
    webhook = local_url(ports.api) + "/webhooks/alertmanager"
    posting = monitoring.alertmanager(programs.alertmanager, folder, ports.alertmanager, webhook)
    looking = monitoring.prometheus(programs.prometheus, folder, ports.prometheus, ports.alertmanager, ports.service)
    return [
        _outside("alertmanager", posting, ports.alertmanager, environ),
        _outside("prometheus", looking, ports.prometheus, environ),
    ]


def _outside(name: str, argv: tuple[str, ...], address: Address, environ: Mapping[str, str]) -> Piece:
    bare = {variable: environ[variable] for variable in ("PATH", "HOME", "TZ") if variable in environ}
    ready = local_url(address) + "/-/ready"
    return Piece(name, argv, bare, lambda: planning.healthy(ready), shows_errors=False)
