"""Asking the guards of a plan, and the freeze switch. Guards are workflows: durable, visible, first come first served."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from lumen import names
from lumen.guard import Answer, Claim
from lumen.messages import PrepareRequest
from lumen.plan import Plan

_RPC_TIMEOUT = timedelta(seconds=10)
_LEASE_MARGIN = 600.0
_PER_ACTION_MARGIN = 150.0
_THAWED_KNOWN_FOR = 1.0


@dataclass(frozen=True)
class GuardVerdict:
    """``status``: ``granted``, ``waiting`` or ``cooling``; ``reason`` in words for a person."""

    status: str
    reason: str = ""
    guards: tuple[str, ...] = ()
    fencing_token: int = 0


class Guards:
    """Takes and reads the guards of a plan through one Temporal client."""

    def __init__(self, client: Client) -> None:
        """Keep the client."""
        self._client = client

    async def take(self, plan: Plan, request: PrepareRequest) -> GuardVerdict:
        """Take the target, then the rule's budget. A guard that was queued for stays queued: it signals when it is free."""
        taken: list[str] = []
        fencing_token = 0
        for guard_id, claim in _claims(plan, request):
            answer = await self._acquire(guard_id, claim)
            taken.append(guard_id)
            if answer.status != "granted":
                return _verdict(guard_id, answer, tuple(taken))
            fencing_token = fencing_token or answer.token
        return GuardVerdict("granted", guards=tuple(taken), fencing_token=fencing_token)

    async def read(self, plan: Plan) -> GuardVerdict:
        """Only look, for a dry run: whether the rule would cool on this target."""
        if not plan.has_target:
            return GuardVerdict("granted")
        guard_id = names.target_guard_id(plan.target)
        handle = self._client.get_workflow_handle(guard_id)
        try:
            status: dict[str, Any] = await handle.query(names.QUERY_STATUS, rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return GuardVerdict("granted")
            raise
        until = status.get("cooling", {}).get(plan.rule)
        if until is None:
            return GuardVerdict("granted")
        return _verdict(guard_id, Answer("cooling", until=datetime.fromisoformat(until)), ())

    async def _acquire(self, guard_id: str, claim: Claim) -> Answer:
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            names.GUARD_WORKFLOW,
            {"carry": None},
            id=guard_id,
            task_queue=names.GUARD_TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"guard of {guard_id}"[:200],
        )
        answer: Answer = await self._client.execute_update_with_start_workflow(
            names.GUARD_ACQUIRE,
            claim,
            start_workflow_operation=operation,
            result_type=Answer,
            rpc_timeout=_RPC_TIMEOUT,
        )
        return answer


class FreezeSwitch:
    """Whether Lumen is frozen: an open ``FreezeWorkflow`` is the switch."""

    def __init__(self, client: Client) -> None:
        """Keep the client; nothing is asked yet."""
        self._client = client
        self._thawed_until = 0.0

    async def reason(self, *, fresh: bool) -> str:
        """Return why Lumen is frozen, or nothing. Without ``fresh`` a "not frozen" may be a second old; a "frozen" never is."""
        if not fresh and time.monotonic() < self._thawed_until:
            return ""
        reason = await self._ask()
        self._thawed_until = 0.0 if reason else time.monotonic() + _THAWED_KNOWN_FOR
        return reason

    async def _ask(self) -> str:
        try:
            description = await self._client.get_workflow_handle(names.FREEZE_ID).describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return ""
            raise
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return ""
        memo = await description.memo()
        return f"frozen by {memo.get('actor', 'somebody')}: {memo.get('reason', '')}"


def _claims(plan: Plan, request: PrepareRequest) -> list[tuple[str, Claim]]:
    lease = plan.approval.longest + plan.approval.valid_for + _LEASE_MARGIN
    lease += sum((action.timeout + action.backoff + _PER_ACTION_MARGIN) * action.attempts for action in plan.actions)
    claims = []
    if plan.has_target:
        claim = Claim(request.holder, request.workflow_id, plan.rule, lease, plan.cooldown, 1, request.ignore_cooldown)
        claims.append((names.target_guard_id(plan.target), claim))
    if plan.limits.concurrency > 0:
        claim = Claim(request.holder, request.workflow_id, plan.rule, lease, 0.0, plan.limits.concurrency)
        claims.append((names.budget_guard_id(plan.rule), claim))
    return claims


def _verdict(guard_id: str, answer: Answer, taken: tuple[str, ...]) -> GuardVerdict:
    if answer.status == "cooling":
        until = answer.until.isoformat(timespec="seconds") if answer.until else "later"
        return GuardVerdict("cooling", f"{guard_id} cools until {until}", taken)
    return GuardVerdict("waiting", f"{guard_id} is held by {answer.behind}", taken)
