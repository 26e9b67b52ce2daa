"""Loading a folder of rules for a command, and saying what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.failure import FAILED
from cli.output import complain, print_json
from cli.settings import ClientSettings, environment
from lumen.ballot import Rank
from lumen.errors import RulesError

if TYPE_CHECKING:
    from rules.model import RuleSet

RANKS = tuple(rank.name.lower() for rank in Rank)
_EMBEDDED_TEMPORAL = "temporal.db"
"""The database that ``lumen up`` keeps in its data directory for the Temporal server that it starts."""


def loaded(folder: Path, rank: str, *, as_json: bool) -> RuleSet:
    """Return the rules in ``folder``; if they do not load, say why and end the command with 1."""
    from rules.loader import load  # noqa: PLC0415  # pulls in YAML and PromQL, which --help can do without

    try:
        return load(folder, default_min_rank=rank)
    except RulesError as error:
        say_findings(folder, error, as_json=as_json)
        raise typer.Exit(FAILED) from None


def say_findings(folder: Path, error: RulesError, *, as_json: bool) -> None:
    """Say what is wrong in ``folder``, each finding with its line, on stderr or as the JSON document."""
    from rules.loader import sources  # noqa: PLC0415  # see loaded
    from rules.report import render  # noqa: PLC0415  # see loaded

    if as_json:
        print_json({"ok": False, "folder": str(folder), "findings": [asdict(finding) for finding in error.findings]})
    else:
        complain(f"the rules in {folder} do not load:\n{render(error.findings, sources(folder)) or error}")


def rank_here(client: ClientSettings, wanted: str = "") -> str:
    """Return the rank from which votes count where no rule says so: ``wanted``, else that of the installation here.

    Raises:
        typer.BadParameter: ``wanted`` is no rank.

    """
    if wanted and wanted not in RANKS:
        raise typer.BadParameter(f"{wanted!r}: want one of {', '.join(RANKS)}", param_hint="--min-rank")
    return wanted or _default_rank(client.data_dir, embedded=client.settings.embedded)


def _default_rank(data_dir: Path, *, embedded: bool) -> str:
    """Return the rank that the processes of the installation here use, so that a digest made here is theirs."""
    # As `lumen up` decides it: a server of its own unless the environment names one. Its database tells that it ran here.
    own_temporal = not environment().get("TEMPORAL_ADDRESS", "").strip() and (data_dir / _EMBEDDED_TEMPORAL).exists()
    return "signal" if embedded or own_temporal else "link"
