"""The one switch that stops every action everywhere. It is an open workflow, so it survives all restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.ports import reaching_temporal
from lumen import names
from lumen.errors import LumenError
from lumen.records import rfc3339

_SIGNAL_UNFREEZE = "unfreeze"
_PAUSE = 0.2
_RPC_TIMEOUT = timedelta(seconds=10)
_CALL_SECONDS = 5.0
_CONSOLE_PATIENCE = 2.0

Freeze = dict[str, Any]
"""``{"frozen": false}``, or ``{"frozen": true, "actor", "reason", "since"}`` with an RFC 3339 time."""


class AlreadyFrozenError(LumenError):
    """Everything is frozen already; ``found`` says since when, by whom and why."""

    reason = "already_frozen"

    def __init__(self, found: Freeze) -> None:
        """Keep how the switch stands."""
        super().__init__(f"already frozen since {found.get('since')} by {found.get('actor')}: {found.get('reason')}")
        self.found = found


class NotFrozenError(LumenError):
    """There is nothing to unfreeze."""

    reason = "not_frozen"


async def freeze(client: Client, actor: str, reason: str) -> Freeze:
    """Freeze everything: nothing more is executed; return how the switch stands. Raises :class:`AlreadyFrozenError`."""
    memo = {"actor": actor, "reason": reason}
    try:
        await client.start_workflow(
            names.FREEZE_WORKFLOW,
            {**memo, "since": rfc3339(datetime.now(UTC))},
            id=names.FREEZE_ID,
            task_queue=names.TASK_QUEUE,
            memo=memo,
        )
    except WorkflowAlreadyStartedError:
        raise AlreadyFrozenError(await frozen(client)) from None
    return await frozen(client)


async def unfreeze(client: Client, actor: str, reason: str, patience: float) -> Freeze:
    """Unfreeze and return how the switch stands at last: still frozen if no worker or ledger answered within ``patience``.

    It takes effect as soon as both do. Raises :class:`NotFrozenError`.
    """
    try:
        await _handle(client).signal(_SIGNAL_UNFREEZE, {"actor": actor, "reason": reason})
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise NotFrozenError("not frozen") from None
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while True:
        found = await frozen(client)
        if not found["frozen"] or clock() > deadline:
            return found
        await asyncio.sleep(_PAUSE)


async def frozen(client: Client) -> Freeze:
    """Return how the switch stands."""
    nothing: Freeze = {"frozen": False}
    try:
        found = await _handle(client).describe(rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return nothing
    if found.status is not WorkflowExecutionStatus.RUNNING:
        return nothing
    memo = await found.memo()
    return {
        "frozen": True,
        "actor": memo.get("actor"),
        "reason": memo.get("reason"),
        "since": rfc3339(found.start_time),
    }


def _handle(client: Client) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(names.FREEZE_ID)


class TemporalSwitch:
    """Implements ``api.ports.Switch``."""

    def __init__(self, client: Client) -> None:
        """Keep the client, which may be a lazy one."""
        self._client = client

    async def state(self) -> Freeze:
        """Ask Temporal."""
        async with reaching_temporal(_CALL_SECONDS):
            return await frozen(self._client)

    async def freeze(self, actor: str, reason: str) -> Freeze:
        """Start the workflow that is the switch."""
        async with reaching_temporal(_CALL_SECONDS):
            return await freeze(self._client, actor, reason)

    async def unfreeze(self, actor: str, reason: str) -> Freeze:
        """Tell the workflow that is the switch, and wait a little for its end."""
        async with reaching_temporal(_CALL_SECONDS):
            return await unfreeze(self._client, actor, reason, _CONSOLE_PATIENCE)
