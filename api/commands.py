"""Commands to the control bus: from a body to one durable workflow for each idempotency key."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import rfc8785
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.ballots import actor_of
from api.edge import Edge
from api.errors import OtherCommandError, PayloadError
from api.intakes.skeleton import text
from api.ports import reaching_temporal
from api.problems import Problem
from api.tokens import Caller
from lumen import names
from lumen.ballot import read_actor
from lumen.command import Command, command_workflow_id
from lumen.display import printable, truncate

_FIELDS = ("command", "args", "idempotency_key", "actor")
_ARGS_BYTES = 64 * 1024
_KEY_LIMIT = 200
_CALL_SECONDS = 3.0


class TemporalCommands:
    """Implements ``api.ports.Commands`` over one Temporal client, which may be a lazy one."""

    def __init__(self, client: Client) -> None:
        """Keep the client."""
        self._client = client

    async def start(self, command: Command) -> str:
        """Start the workflow; the memo tells the same command from another one under its key, as long as Temporal keeps it."""
        workflow_id = command_workflow_id(command.key)
        async with reaching_temporal(_CALL_SECONDS):
            try:
                await self._client.start_workflow(
                    names.COMMAND_WORKFLOW,
                    command,
                    id=workflow_id,
                    task_queue=names.TASK_QUEUE,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    memo={"command": {"name": command.command, "actor": command.actor, "digest": command.digest}},
                    static_summary=truncate(f"{command.command} for {command.actor}", 200),
                    rpc_timeout=timedelta(seconds=_CALL_SECONDS),
                )
            except WorkflowAlreadyStartedError:
                await self._require_same(workflow_id, command)
        return workflow_id

    async def _require_same(self, workflow_id: str, command: Command) -> None:
        found = await self._client.get_workflow_handle(workflow_id).describe(
            rpc_timeout=timedelta(seconds=_CALL_SECONDS)
        )
        memo = (await found.memo()).get("command")
        if not isinstance(memo, dict) or memo.get("digest") != command.digest:
            raise OtherCommandError("this idempotency key belongs to another command: use a key once")


async def send_command(edge: Edge, body: dict[str, Any], caller: Caller) -> dict[str, str]:
    """Start the command in ``body`` and return the content of the answer: ``workflow_id`` and ``idempotency_key``.

    Raises:
        AlertError, BallotError, PayloadError, Problem: the body cannot be used, the command is not allowed, or its person
            is not the token's.
        OtherCommandError: the key belongs to another command.
        UnreachableError: Temporal did not take it; repeating the request with its key is harmless.

    """
    if unknown := [name for name in body if name not in _FIELDS]:
        shown = truncate(printable(unknown[0]), 80)
        raise PayloadError(f'"{shown}" is no field of a command: there are {", ".join(_FIELDS)}')
    name = text(body, "command")
    if name not in edge.rules().policy.commands:
        shown = truncate(printable(name), 80)
        raise Problem(403, f'"{shown}" may not be sent: list it under commands in policy.yaml', reason="not_allowed")
    key = text(body, "idempotency_key") or str(uuid.uuid4())
    if len(key) > _KEY_LIMIT or printable(key) != key or not key.isascii():
        raise PayloadError(f'"idempotency_key" must be plain ASCII of at most {_KEY_LIMIT} characters')
    actor = edge.rules().policy.principal(read_actor(actor_of(body.get("actor"), caller)))
    command = Command(name, _args(body.get("args")), actor, key)
    return {"workflow_id": await edge.commands.start(command), "idempotency_key": key}


def _args(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PayloadError('"args" must be an object')
    try:
        # As the ledger will write it, so that it cannot refuse later what was accepted here.
        size = len(rfc8785.dumps(value))
    except (rfc8785.CanonicalizationError, RecursionError, ValueError):
        raise PayloadError(
            '"args" holds what JSON cannot carry exactly: numbers beyond 2^53, or half a surrogate pair'
        ) from None
    if size > _ARGS_BYTES:
        raise PayloadError(f'"args" is larger than {_ARGS_BYTES} bytes')
    return value
