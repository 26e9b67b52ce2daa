"""What is held, waits or cools in Temporal: the guards, and the episodes that are their own guard. Reading and clearing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from temporalio.client import Client, WorkflowExecution, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError, RPCStatusCode

from api.ports import reaching_temporal
from lumen import names
from lumen.outcome import State

_AT_ONCE = 8
_QUERY_TIMEOUT = timedelta(seconds=1.5)
_CALL_SECONDS = 5.0
_ASKED_AT_MOST = 200
"""So many episodes are asked until when they cool; of the others only that they do is known."""

_GUARD_PREFIXES = ("target-", "budget-")


@dataclass(frozen=True)
class Order:
    """Who clears cooldowns and why; with ``rule`` only those of that rule."""

    actor: str
    reason: str
    rule: str = ""

    @property
    def payload(self) -> dict[str, str]:
        """Return what is sent with the signal."""
        return {"actor": self.actor, "reason": self.reason}


@dataclass
class Found:
    """Open guards by their own account, and episodes in state ``cooling``.

    A guard is ``{"id", "places", "waiting", "cooling"}``, or ``{"id", "stale": true}`` when no worker answers for it.
    """

    guards: list[dict[str, Any]] = field(default_factory=list)
    episodes: list[dict[str, Any]] = field(default_factory=list)

    def cooldowns(self) -> list[dict[str, Any]]:
        """Return one row for each cooldown: ``{"kind", "id", "rule", "until", "target"}``."""
        rows = [
            {"kind": "guard", "id": guard["id"], "rule": rule, "until": until, "target": _target_of(guard["id"])}
            for guard in self.guards
            for rule, until in sorted((guard.get("cooling") or {}).items())
        ]
        return rows + self.episodes


async def find(client: Client) -> Found:
    """Return everything that cools, is held or waits; from visibility, so up to a second late."""
    query = f"WorkflowType = '{names.GUARD_WORKFLOW}' AND ExecutionStatus = 'Running'"
    ids = [execution.id async for execution in client.list_workflows(query)]
    asking = _Asking(client)
    told, episodes = await asyncio.gather(asking.all_of(sorted(ids)), _episodes(client, asking))
    guards = [
        {"id": workflow_id, "stale": True} if status is None else {**status, "id": workflow_id}
        for workflow_id, status in zip(sorted(ids), told, strict=True)
    ]
    return Found(guards, episodes)


async def clear_one(client: Client, target: str, order: Order) -> list[str]:
    """End the cooldowns under a target, a guard's id or an episode's key; return the workflow ids that were told."""
    guards = [names.target_guard_id(target), names.budget_guard_id(target)]
    if target.startswith(_GUARD_PREFIXES):
        guards.append(target)
    cleared = [workflow_id for workflow_id in guards if await _clear_guard(client, workflow_id, order)]
    if await _clear_episode(client, target, order):
        cleared.append(names.alert_workflow_id(target))
    return cleared


async def clear_all(client: Client, order: Order) -> list[str]:
    """End every cooldown (of the order's rule); return the workflow ids that were told."""
    found = await find(client)
    cleared = []
    for guard in found.guards:
        # A guard that nobody answers for may cool: the signal waits there until a worker comes.
        cooling = guard.get("stale") or guard.get("cooling")
        if cooling and (not order.rule or guard.get("stale") or order.rule in cooling):
            cleared += [guard["id"]] if await _clear_guard(client, guard["id"], order) else []
    for episode in found.episodes:
        if not order.rule or episode["rule"] == names.keyword(order.rule):
            key = episode["id"]
            cleared += [names.alert_workflow_id(key)] if await _clear_episode(client, key, order) else []
    return cleared


async def _clear_guard(client: Client, workflow_id: str, order: Order) -> bool:
    return await _signal(client, workflow_id, names.GUARD_CLEAR, {"rule": order.rule, **order.payload})


async def _clear_episode(client: Client, key: str, order: Order) -> bool:
    return await _signal(client, names.alert_workflow_id(key), names.SIGNAL_CLEAR_COOLDOWN, order.payload)


async def _signal(client: Client, workflow_id: str, signal: str, payload: dict[str, str]) -> bool:
    try:
        await client.get_workflow_handle(workflow_id).signal(signal, payload)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


class _Asking:
    """Asks workflows how they stand, a few at once. Once one gets no answer in time, the others are not asked.

    Where no worker answers for one, none will for the others; each would cost the whole timeout.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._silent = False

    async def all_of(self, workflow_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return what each tells of itself, None where nobody answers for it."""
        return await asyncio.gather(*(self._one(workflow_id) for workflow_id in workflow_ids))

    async def _one(self, workflow_id: str) -> dict[str, Any] | None:
        async with self._gate:
            if self._silent:
                return None
            handle = self._client.get_workflow_handle(workflow_id)
            try:
                # The SDK begins its own timeout anew with each retry.
                async with asyncio.timeout(_QUERY_TIMEOUT.total_seconds()):
                    status = await handle.query(names.QUERY_STATUS, rpc_timeout=_QUERY_TIMEOUT)
            except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
                return None
            except (TimeoutError, RPCError) as error:
                self._silent |= not (isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND)
                return None
        return status if isinstance(status, dict) else None


async def _episodes(client: Client, asking: _Asking) -> list[dict[str, Any]]:
    query = (
        f"WorkflowType = '{names.ALERT_WORKFLOW}' AND ExecutionStatus = 'Running' "
        f"AND {names.ATTRIBUTE_STATE} = '{State.COOLING}'"
    )
    executions = [execution async for execution in client.list_workflows(query)]
    told = await asking.all_of([execution.id for execution in executions[:_ASKED_AT_MOST]])
    untils = [status.get("cooldown_until") if status else None for status in told]
    return [_episode(execution, until) for execution, until in zip_longest(executions, untils)]


def _episode(execution: WorkflowExecution, until: str | None) -> dict[str, Any]:
    found = {pair.key.name: pair.value for pair in execution.typed_search_attributes}
    return {
        "kind": "episode",
        "id": names.key_of_workflow(execution.id),
        "rule": found.get(names.ATTRIBUTE_RULE),
        "until": until,
        "target": found.get(names.ATTRIBUTE_TARGET),
    }


def _target_of(guard_id: str) -> str | None:
    return guard_id.removeprefix("target-") if guard_id.startswith("target-") else None


class TemporalGuards:
    """Implements ``api.ports.Guards``."""

    def __init__(self, client: Client) -> None:
        """Keep the client, which may be a lazy one."""
        self._client = client

    async def find(self) -> Found:
        """Ask Temporal and every guard."""
        async with reaching_temporal(_CALL_SECONDS):
            return await find(self._client)

    async def clear(self, target: str, order: Order) -> list[str]:
        """Tell the guard, or the episode."""
        async with reaching_temporal(_CALL_SECONDS):
            return await clear_one(self._client, target, order)
