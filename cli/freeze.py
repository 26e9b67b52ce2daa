"""``lumen freeze``: one switch that stops every action everywhere. It is an open workflow, so it survives all restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from cli.failure import CommandError
from cli.options import Json, RequiredActor, RequiredReason
from cli.output import print_json, say
from cli.session import visit
from lumen import names

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Stop every action everywhere, or allow them again."
)

_SIGNAL_UNFREEZE = "unfreeze"
_PAUSE = 0.2
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
    from temporalio.exceptions import WorkflowAlreadyStartedError  # noqa: PLC0415  # see cli.session

    since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    memo = {"actor": actor, "reason": reason}
    try:
        await client.start_workflow(
            names.FREEZE_WORKFLOW,
            {**memo, "since": since},
            id=names.FREEZE_ID,
            task_queue=names.TASK_QUEUE,
            memo=memo,
        )
    except WorkflowAlreadyStartedError:
        found = await _status(client)
        raise CommandError(
            f"already frozen since {found.get('since')} by {found.get('actor')}: {found.get('reason')}"
        ) from None
    return await _status(client)


async def _unfreeze(client: Client, actor: str, reason: str) -> dict[str, Any]:
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415  # see cli.session

    handle = _handle(client)
    try:
        await handle.signal(_SIGNAL_UNFREEZE, {"actor": actor, "reason": reason})
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise CommandError("not frozen") from None
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while (found := await _status(client))["frozen"]:
        if asyncio.get_running_loop().time() > deadline:
            raise CommandError(
                "recorded, but still frozen: no worker, or no ledger, has answered yet. It takes effect as soon as both do"
            )
        await asyncio.sleep(_PAUSE)
    return found


async def _status(client: Client) -> dict[str, Any]:
    from temporalio.client import WorkflowExecutionStatus  # noqa: PLC0415  # see cli.session
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415  # see cli.session

    nothing: dict[str, Any] = {"frozen": False}
    try:
        found = await _handle(client).describe(rpc_timeout=timedelta(seconds=_PATIENCE))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return nothing
    if found.status is not WorkflowExecutionStatus.RUNNING:
        return nothing
    memo = await found.memo()
    since = found.start_time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"frozen": True, "actor": memo.get("actor"), "reason": memo.get("reason"), "since": since}


def _handle(client: Client) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(names.FREEZE_ID)
