"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.completion import complete_key

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="The key of the episode (lumen alert list).", autocompletion=complete_key)
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on showing what changes; Ctrl-C ends it.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Actor = Annotated[str, typer.Option(metavar="EMAIL", help="Who decides.")]
RequiredActor = Annotated[str, typer.Option(metavar="EMAIL", help="Who does this; kept with it.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the decision.")]
RequiredReason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with it.")]


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """Return ``k=v`` options as a dict.

    Raises:
        typer.BadParameter: one has no ``=``, no name, or a name that was given before.

    """
    found: dict[str, str] = {}
    for item in given or ():
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{item!r}: want name=value", param_hint=option)
        if name in found:
            raise typer.BadParameter(f"{name!r} is given twice", param_hint=option)
        found[name] = value
    return found
