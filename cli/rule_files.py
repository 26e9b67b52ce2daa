"""``lumen rules``: look at rule files without running anything."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.failure import FAILED
from cli.options import Json
from cli.output import complain, print_json, print_table, say
from cli.settings import environment, load_client
from lumen.ballot import Rank
from lumen.errors import RulesError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check rule files.")

_RANKS = tuple(rank.name.lower() for rank in Rank)
_EMBEDDED_TEMPORAL = "temporal.db"
"""The database that ``lumen up`` keeps in its data directory for the Temporal server that it starts."""


@app.command()
def check(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder; default: LUMEN_RULES.")] = "",
    min_rank: Annotated[
        str,
        typer.Option(
            metavar="RANK",
            help="From which rank on votes count where no rule says so: signal, as `lumen up` has it, or link, as "
            "everything else. It is part of the digest. Default: that of the installation here, else link.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Read rules and policy; exit code 1 with one finding a line if they do not load.

    Warnings, also about programs that this machine does not have, leave the exit code 0.

    \b
    Example: lumen rules check rules/
    """
    from cli.rule_programs import missing  # noqa: PLC0415  # pulls in YAML and PromQL, which --help can do without
    from rules.loader import load  # noqa: PLC0415  # see above

    client = load_client()
    path = Path(folder or client.settings.rules)
    rank = _rank(min_rank) or _default_rank(client.data_dir, embedded=client.settings.embedded)
    try:
        found = load(path, default_min_rank=rank)
    except RulesError as error:
        _say_findings(path, error, as_json=as_json)
        raise typer.Exit(FAILED) from None
    warnings = [*found.warnings, *missing(found, path, sys.executable)]
    if as_json:
        rules = [{"name": rule.name, "mode": rule.mode} for rule in found.rules]
        document = {"ok": True, "folder": str(path), "digest": found.digest, "min_rank": rank}
        print_json(document | {"rules": rules, "warnings": warnings})
        return
    for warning in warnings:
        complain(f"warning: {warning}")
    print_table(("rule", "mode"), [(rule.name, rule.mode) for rule in found.rules], empty="no rules")
    say(f"{len(found.rules)} rules in {path} load; digest {found.digest} (votes count from rank {rank} on)")


def _say_findings(path: Path, error: RulesError, *, as_json: bool) -> None:
    from rules.loader import sources  # noqa: PLC0415  # see check
    from rules.report import render  # noqa: PLC0415  # see check

    if as_json:
        print_json({"ok": False, "folder": str(path), "findings": [asdict(finding) for finding in error.findings]})
    else:
        complain(f"the rules in {path} do not load:\n{render(error.findings, sources(path)) or error}")


def _rank(wanted: str) -> str:
    if wanted and wanted not in _RANKS:
        raise typer.BadParameter(f"{wanted!r}: want one of {', '.join(_RANKS)}", param_hint="--min-rank")
    return wanted


def _default_rank(data_dir: Path, *, embedded: bool) -> str:
    """Return the rank that the processes of the installation here use, so that this digest is theirs."""
    # As `lumen up` decides it: a server of its own unless the environment names one. Its database tells that it ran here.
    own_temporal = not environment().get("TEMPORAL_ADDRESS", "").strip() and (data_dir / _EMBEDDED_TEMPORAL).exists()
    return "signal" if embedded or own_temporal else "link"
