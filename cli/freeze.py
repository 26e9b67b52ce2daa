"""``lumen freeze``: one switch that stops every action everywhere. It is an open workflow, so it survives all restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cli.failure import CommandError
from cli.options import Json, RequiredActor, RequiredReason
from cli.output import print_json, say
from cli.session import visit

if TYPE_CHECKING:
    from temporalio.client import Client

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Stop every action everywhere, or allow them again."
)

_PATIENCE = 10.0


@app.command()
def on(actor: RequiredActor, reason: RequiredReason, as_json: Json = False) -> None:
    """Freeze: nothing is executed until `lumen freeze off`. Running actions go on.

    \b
    Example: lumen freeze on --actor alice@example.com --reason "database migration"
    """
    _print(visit(lambda client: _freeze(client, actor, reason)), as_json=as_json)


@app.command()
def off(actor: RequiredActor, reason: RequiredReason, as_json: Json = False) -> None:
    """Unfreeze: what was blocked goes on.

    \b
    Example: lumen freeze off --actor alice@example.com --reason "migration done"
    """
    _print(visit(lambda client: _unfreeze(client, actor, reason)), as_json=as_json)


@app.command()
def status(as_json: Json = False) -> None:
    """Say whether everything is frozen, by whom and why."""
    _print(visit(_status), as_json=as_json)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found["frozen"]:
        say(f"frozen since {found['since']} by {found['actor']}: {found['reason']}")
    else:
        say("not frozen")


async def _freeze(client: Client, actor: str, reason: str) -> dict[str, Any]:
    from api.freezing import AlreadyFrozenError, freeze  # noqa: PLC0415  # see cli.session

    try:
        return await freeze(client, actor, reason)
    except AlreadyFrozenError as error:
        raise CommandError(str(error)) from None


async def _unfreeze(client: Client, actor: str, reason: str) -> dict[str, Any]:
    from api.freezing import NotFrozenError, unfreeze  # noqa: PLC0415  # see cli.session

    try:
        found = await unfreeze(client, actor, reason, _PATIENCE)
    except NotFrozenError as error:
        raise CommandError(str(error)) from None
    if found["frozen"]:
        raise CommandError(
            "recorded, but still frozen: no worker, or no ledger, has answered yet. It takes effect as soon as both do"
        )
    return found


async def _status(client: Client) -> dict[str, Any]:
    from api.freezing import frozen  # noqa: PLC0415  # see cli.session

    return await frozen(client)
