"""``lumen rules``: look at rule files without running anything."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.failure import FAILED
from cli.options import Json
from cli.output import complain, print_json, print_table, say
from cli.settings import load_client
from lumen.errors import RulesError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check rule files.")


@app.command()
def check(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder; default: LUMEN_RULES.")] = "",
    as_json: Json = False,
) -> None:
    """Read rules and policy; exit code 1 with one finding a line if they do not load.

    \b
    Example: lumen rules check rules/
    """
    from rules.loader import load, sources  # noqa: PLC0415  # pulls in YAML and PromQL, which --help can do without
    from rules.report import render  # noqa: PLC0415  # see above

    settings = load_client().settings
    path = Path(folder or settings.rules)
    try:
        found = load(path, default_min_rank="signal" if settings.embedded else "link")
    except RulesError as error:
        if as_json:
            print_json({"ok": False, "folder": str(path), "findings": [asdict(finding) for finding in error.findings]})
        else:
            complain(f"the rules in {path} do not load:\n{render(error.findings, sources(path)) or error}")
        raise typer.Exit(FAILED) from None
    if as_json:
        rules = [{"name": rule.name} for rule in found.rules]
        print_json(
            {"ok": True, "folder": str(path), "digest": found.digest, "rules": rules, "warnings": list(found.warnings)}
        )
        return
    for warning in found.warnings:
        complain(f"warning: {warning}")
    print_table(("rule", "mode"), [(rule.name, rule.mode) for rule in found.rules], empty="no rules")
    say(f"{len(found.rules)} rules in {path} load; digest {found.digest}")
