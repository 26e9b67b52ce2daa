"""``lumen rules``: look at rule files without running anything."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.options import Json
from cli.output import complain, print_json, print_table, say
from cli.rules import backtesting, new, schema, testing
from cli.rules.loading import loaded, rank_here
from cli.settings import load_client

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check, test and write rule files.")


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
    from cli.rule_programs import missing  # noqa: PLC0415  # pulls in the runner of commands

    client = load_client()
    path = Path(folder or client.settings.rules)
    rank = rank_here(client, min_rank)
    found = loaded(path, rank, as_json=as_json)
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


app.command("test")(testing.run_cases)
app.command()(schema.schema)
app.command()(new.new)
app.command()(backtesting.backtest)
