"""``lumen cooldown``: what rests after an action, and ending that rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.failure import CommandError
from cli.options import Json, RequiredActor, RequiredReason
from cli.output import print_json, print_table, say
from cli.resting import describe
from cli.session import visit

if TYPE_CHECKING:
    from temporalio.client import Client

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="See and end cooldowns.")

_COLUMNS = ("kind", "id", "rule", "until", "target")


@app.command("list")
def list_cooldowns(as_json: Json = False) -> None:
    """List what cools, what is held and who waits: guards of targets and budgets, and episodes that cool by themselves."""
    from api.guards import find  # noqa: PLC0415  # see cli.session

    found = visit(find)
    if as_json:
        print_json({"cooldowns": found.cooldowns(), "guards": found.guards})
        return
    rows = [[row.get(column) for column in _COLUMNS] for row in found.cooldowns()]
    print_table(_COLUMNS, rows, empty="nothing cools")
    for guard in found.guards:
        for line in describe(guard):
            say(line)


@app.command()
def clear(
    actor: RequiredActor,
    reason: RequiredReason,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A target, a guard's id or an episode's key.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that cools.")] = False,
    rule: Annotated[str, typer.Option(metavar="NAME", help="Only the cooldown of this rule.")] = "",
    as_json: Json = False,
) -> None:
    """End cooldowns, so that the next attempt may start at once.

    \b
    Example: lumen cooldown clear host1:9100 --actor alice@example.com --reason "fixed by hand"
    """
    if bool(target) == everything:
        raise typer.BadParameter("say what: one TARGET, or --all", param_hint="TARGET")
    from api import guards  # noqa: PLC0415  # see cli.session

    async def work(client: Client) -> list[str]:
        order = guards.Order(actor, reason, rule)
        return await (guards.clear_all(client, order) if everything else guards.clear_one(client, target, order))

    told: list[str] = visit(work)
    if not told and target:
        raise CommandError(f"nothing is known under {target}: `lumen cooldown list` shows what cools")
    result: dict[str, Any] = {"told": told}
    if as_json:
        print_json(result)
    elif told:
        for workflow_id in told:
            say(f"told {workflow_id} to end its cooldown")
    else:
        say("nothing cools")
