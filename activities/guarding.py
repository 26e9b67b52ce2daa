"""Asking the guards of a plan, and the freeze switch. Guards are workflows: durable, visible, first come first served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
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
_ANY_NUMBER = 1_000_000
_AT_ONCE = 4
_TAKING = 15.0
"""Seconds from the start of the activity on in which guards are asked for: half of what it has, see ``options.preparation``."""


@dataclass(frozen=True)
class GuardVerdict:
    """``status``: ``granted``, ``waiting`` or ``cooling`` (a spent budget too); ``reason`` in words for a person."""

    status: str
    reason: str = ""
    guards: tuple[str, ...] = ()
    fencing_token: int = 0


class Guards:
    """Takes and reads the guards of a plan through one Temporal client."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` is monotonic, in seconds."""
        self._client = client
        self._clock = clock
        # Temporal takes ten unanswered updates of one workflow and refuses more, which then come again seconds later.
        self._gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def deadline(self) -> float:
        """Return until when an activity that starts now may ask for guards."""
        return self._clock() + _TAKING

    async def take(self, plan: Plan, request: PrepareRequest, asked_at: datetime | None, until: float) -> GuardVerdict:
        """Take the target, then the rule's budget. A guard that was queued for stays queued: it signals when it is free.

        Asked once more before something begins for which was waited: what failed meanwhile stops it too, what was given to
        somebody else is waited for, and the leases begin anew. ``asked_at`` is when the episode asked, ``until`` a
        :meth:`deadline`.
        """
        taken: list[str] = []
        fencing_token = 0
        for guard_id, claim in _claims(plan, request):
            answer = await self._acquire(guard_id, replace(claim, asked_at=asked_at), until)
            taken.append(guard_id)
            if answer.status != "granted":
                return _verdict(guard_id, answer, tuple(taken), plan)
            fencing_token = fencing_token or answer.token
        return GuardVerdict("granted", guards=tuple(taken), fencing_token=fencing_token)

    async def read(self, plan: Plan, request: PrepareRequest) -> GuardVerdict:
        """Only look, for a dry run: what the guards would answer."""
        for guard_id, claim in _claims(plan, request):
            handle = self._client.get_workflow_handle(guard_id)
            try:
                answer: Answer = await handle.query(
                    names.GUARD_WOULD, claim, result_type=Answer, rpc_timeout=_RPC_TIMEOUT
                )
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    continue
                raise
            if answer.status in {"cooling", "spent"}:
                return _verdict(guard_id, answer, (), plan)
        return GuardVerdict("granted")

    async def _acquire(self, guard_id: str, claim: Claim, until: float) -> Answer:
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            names.GUARD_WORKFLOW,
            {"carry": None},
            id=guard_id,
            task_queue=names.GUARD_TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"guard of {guard_id}"[:200],
        )
        gate = self._gates.setdefault(guard_id, asyncio.Semaphore(_AT_ONCE))
        async with gate:
            # A worker that was stopped on the way wakes up when its episode may be over: nobody would give it back.
            if self._clock() > until:
                raise TimeoutError(f"{guard_id} was not taken: it took too long to ask for it")
            try:
                answer: Answer = await self._client.execute_update_with_start_workflow(
                    names.GUARD_ACQUIRE,
                    claim,
                    start_workflow_operation=operation,
                    result_type=Answer,
                    rpc_timeout=_RPC_TIMEOUT,
                )
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                # The SDK keeps the error for whoever asks for the workflow, too; if nobody does, the loop logs it as lost.
                await asyncio.gather(operation.workflow_handle(), return_exceptions=True)
                raise
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


def guards_of(plan: Plan, request: PrepareRequest) -> tuple[str, ...]:
    """Return the workflow ids of the guards of ``plan``."""
    return tuple(guard_id for guard_id, _ in _claims(plan, request))


def _claims(plan: Plan, request: PrepareRequest) -> list[tuple[str, Claim]]:
    lease = plan.approval.longest + plan.approval.valid_for + _LEASE_MARGIN
    lease += plan.verify.within if plan.verify else 0.0
    lease += plan.rollback_approval.longest if plan.rollback_approval else 0.0
    lease += sum(step.timeout + _PER_ACTION_MARGIN for action in plan.actions if (step := action.undo) is not None)
    lease += sum((action.timeout + action.backoff + _PER_ACTION_MARGIN) * action.attempts for action in plan.actions)
    claims = []
    if plan.has_target:
        claim = Claim(
            request.holder,
            request.workflow_id,
            plan.rule,
            lease,
            plan.cooldown,
            ignore_cooldown=request.ignore_cooldown,
            renews=True,
        )
        claims.append((names.target_guard_id(plan.target), claim))
    limits = plan.limits
    if limits.concurrency > 0 or limits.spending.limited:
        capacity = limits.concurrency or _ANY_NUMBER
        claim = Claim(
            request.holder,
            request.workflow_id,
            plan.rule,
            lease,
            0.0,
            capacity,
            target=plan.target,
            limits=limits.spending,
            renews=True,
        )
        claims.append((names.budget_guard_id(plan.rule), claim))
    return claims


def _verdict(guard_id: str, answer: Answer, taken: tuple[str, ...], plan: Plan) -> GuardVerdict:
    until = answer.until.isoformat(timespec="seconds") if answer.until else "later"
    if answer.status == "granted":
        return GuardVerdict("granted", guards=taken)
    if answer.status == "cooling":
        return GuardVerdict("cooling", f"{guard_id} cools until {until}", taken)
    if answer.status == "spent":
        return GuardVerdict("cooling", f"{_SPENT[answer.what](plan)}, until {until}", taken)
    return GuardVerdict("waiting", f"{guard_id} is held by {answer.behind}", taken)


def _per(plan: Plan) -> str:
    return f"within {timedelta(seconds=plan.limits.per)}"


_SPENT: dict[str, Callable[[Plan], str]] = {
    "runs": lambda plan: f"rule {plan.rule} has had its {plan.limits.max_runs} run(s) {_per(plan)}",
    "targets": lambda plan: f"rule {plan.rule} has acted on its {plan.limits.max_targets} target(s) {_per(plan)}",
    "failures": lambda plan: f"rule {plan.rule} has failed {plan.limits.failures} time(s) {_per(plan)}",
}
