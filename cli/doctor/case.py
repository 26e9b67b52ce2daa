"""What is configured here: the environment and the data directory, read once, with every bad value set aside."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.datadir import LEDGER_FILE, read_endpoints, read_secrets
from cli.doctor.finding import Finding, fail, warn
from cli.failure import CommandError
from cli.settings import layered, load
from cli.up.plan import make_plan
from cli.up.ports import Wanted
from lumen.errors import SettingsError
from lumen.settings import Settings, parse_settings
from proof.errors import StartError
from proof.store import sqlite_path

_LOCK_FILE = "lumen.lock"
"""What :func:`cli.up.lock.only_one` locks."""


@dataclass(frozen=True)
class UpState:
    """Whether ``lumen up`` holds the data directory, as which process, and whether it has finished starting."""

    held: bool = False
    pid: str = ""
    ready: bool = False


@dataclass(frozen=True)
class Case:
    """One configuration.

    ``settings`` come from the environment over what ``lumen up`` left in the data directory; ``given`` are the names
    that the environment itself has. ``own_temporal`` and ``own_ledger`` say what ``lumen up`` would start here,
    ``wanted`` where it would listen. ``findings`` tell what could not be used.
    """

    environ: Mapping[str, str] = field(repr=False)
    given: frozenset[str]
    settings: Settings
    data_dir: Path
    rules: Path
    up: UpState
    own_temporal: bool
    own_ledger: bool
    wanted: tuple[Wanted, ...]
    findings: tuple[Finding, ...]

    @property
    def ledger_file(self) -> Path | None:
        """The file in which a proofd of this configuration keeps its ledger; None if that is a server's business."""
        dsn = self.settings.proof_dsn
        try:
            return sqlite_path(dsn).absolute() if dsn else self.data_dir / LEDGER_FILE
        except StartError:
            return None


def read_case(environ: Mapping[str, str]) -> Case:
    """Return what ``environ`` and the data directory that it names say. Blocks: files are read."""
    usable, findings = _usable(environ)
    data_dir = Path(usable.get("LUMEN_DATA_DIR", "") or "./var").absolute()
    secrets: Mapping[str, str] = {}
    endpoints: Mapping[str, str] = {}
    try:
        secrets, wrong = _usable(read_secrets(data_dir))
        findings += wrong
        endpoints = read_endpoints(data_dir)
    except CommandError as error:
        found, _, fix = str(error).rpartition(": ")
        findings.append(fail(found, fix))
    rules = Path(usable.get("LUMEN_RULES", "") or "rules/").absolute()
    plan = make_plan(usable, secrets, data_dir, rules)
    up = up_state(data_dir, ready=bool(endpoints))
    # Addresses that a killed `lumen up` left behind lead nowhere.
    known = layered(layered(usable, secrets), endpoints if up.ready else {})
    return Case(
        environ=known,
        given=frozenset(name for name, value in usable.items() if value.strip()),
        settings=load(known),
        data_dir=data_dir,
        rules=rules,
        up=up,
        own_temporal=plan.own_temporal,
        own_ledger=plan.own_ledger,
        wanted=tuple(plan.wanted()),
        findings=tuple(findings),
    )


def up_state(data_dir: Path, *, ready: bool) -> UpState:
    """Return whether a ``lumen up`` holds ``data_dir``; ``ready``: it has left its addresses."""
    try:
        handle = os.open(data_dir / _LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return UpState()
    try:
        # Shared, and let go of at once: it is in the way of a `lumen up` only if that starts in this microsecond.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return UpState(held=True, pid=os.read(handle, 20).decode("ascii", "replace").strip(), ready=ready)
    finally:
        os.close(handle)
    return UpState()


def _usable(environ: Mapping[str, str]) -> tuple[dict[str, str], list[Finding]]:
    """Return the variables that can be used, and a finding for each of the others.

    No setting depends on another, so each is tried alone, and one bad value does not hide the next.
    """
    usable, findings = dict(environ), []
    for name in sorted({name.removesuffix("_FILE") for name in environ}):
        alone = {key: environ[key] for key in (name, f"{name}_FILE") if key in environ}
        unknown: list[str] = []
        try:
            _, unknown = parse_settings(alone, _read_text)
        except SettingsError as error:
            findings.append(fail(str(error), f"correct or unset {' or '.join(alone)}"))
            for key in alone:
                del usable[key]
        for warning in unknown:
            key = warning.split(" ", 1)[0]
            found, _, near = warning.partition(": did you mean ")
            instead = f", or set {near.rstrip('?')} instead" if near else ""
            findings.append(warn(found, f"unset {key}{instead}"))
            del usable[key]
    return usable, findings


def _read_text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
