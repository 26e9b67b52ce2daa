"""``lumen rules new``: a commented rule to begin with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from cli.failure import CommandError
from cli.options import Json
from cli.output import complain, print_json, remark, say
from cli.rules.loading import loaded, rank_here
from cli.settings import load_client


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the rule, and of its file.")],
    alert: Annotated[str, typer.Option(metavar="ALERT", help="The alertname; default: NAME.")] = "",
    kind: Annotated[str, typer.Option(metavar="KIND", help="cmd, http, control_bus or kubernetes.")] = "cmd",
    folder: Annotated[str, typer.Option("--rules", metavar="DIR", help="The folder; default: LUMEN_RULES.")] = "",
    as_json: Json = False,
) -> None:
    """Write a file with one commented rule, a dry run, into the folder of rules; never over a file that is there.

    \b
    Example: lumen rules new disk-full --alert DiskFull --kind cmd
    """
    from rules import schema, starting  # noqa: PLC0415  # pulls in YAML and PromQL, which --help can do without

    client = load_client()
    place = Path(folder or client.settings.rules)
    rank = rank_here(client)
    if kind not in starting.ACTIONS:
        raise typer.BadParameter(f"{kind!r}: want one of {', '.join(starting.ACTIONS)}", param_hint="--kind")
    for text, hint in ((name, "NAME"), (alert or name, "--alert")):
        if not re.fullmatch(schema.TITLE, text) or text != text.strip():
            raise typer.BadParameter("want 1 to 100 characters on one line", param_hint=hint)
    file = _file(place, starting.file_name(name))
    if _has_rules(place) and name in [rule.name for rule in loaded(place, rank, as_json=as_json).rules]:
        raise CommandError(f"there is a rule {name} in {place} already: give another NAME, and its --alert")
    _write(file, starting.starter(name, alert or name, kind))
    found = loaded(place, rank, as_json=as_json)
    warnings = [line for line in found.warnings if line.startswith(f"{file}:")]
    if as_json:
        print_json({"file": str(file), "rule": name, "kind": kind, "warnings": warnings})
        return
    say(str(file))
    for warning in warnings:
        complain(f"warning: {warning}")
    remark(f"edit it, then: lumen rules check {place}")


def _file(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}: create it, or set LUMEN_RULES")
    if name in {"", "policy.yaml"}:
        raise typer.BadParameter("no file can be called so: use letters or digits", param_hint="NAME")
    file = folder / name
    if file.exists():
        raise CommandError(f"{file} is there already and stays as it is: give another NAME")
    return file


def _has_rules(folder: Path) -> bool:
    from rules.loader import POLICY_FILE, files_of  # noqa: PLC0415  # see new

    return any(path.name != POLICY_FILE for path in files_of(folder))


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None
