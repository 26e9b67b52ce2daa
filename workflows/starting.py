"""One start of one action: the activity that claims and acts, and the question to the ledger when that activity was lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutError, TimeoutType  # noqa: A004

from lumen import names
from lumen.contracts import Executing, Proving
from lumen.messages import ExecuteRequest, ExecuteResult, RecoverRequest, Recovery, Start
from lumen.outcome import Outcome, State
from lumen.plan import Plan, PlannedAction
from lumen.records import rfc3339
from workflows import ledger, options
from workflows.live import AskAgainError, AttemptEndedError, LiveEpisode

_FIRST_WAIT = timedelta(seconds=30)
_LAST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class Authority:
    """What allows the actions of an attempt: the end of the decision's validity, its place in the ledger, the lock's token."""

    valid_until: datetime | None = None
    decision_seq: int | None = None
    fencing_token: int = 0


def action_key(live: LiveEpisode, action: PlannedAction) -> str:
    """Return the idempotency key of an action of the attempt that runs."""
    return names.action_key(live.workflow_id, live.first_run_id, live.attempt, action.name)


def start_within(authority: Authority, idle: int) -> timedelta:
    """Return how long a start may wait for a worker: never beyond the decision, and short enough to look again meanwhile.

    Raises:
        AskAgainError: the decision is not valid any more.

    """
    wait = min(_FIRST_WAIT * float(2 ** min(idle, 10)), _LAST_WAIT)
    if authority.valid_until is None:
        return wait
    left = authority.valid_until - workflow.now()
    if left <= timedelta(0):
        raise AskAgainError
    return min(wait, left)


def start_text(live: LiveEpisode, action: PlannedAction, authority: Authority) -> str:
    """Return what an action that is about to start is or waits for, in words for a person."""
    if action.runner not in live.unserved:
        return action.name
    until = f"until {rfc3339(authority.valid_until)}" if authority.valid_until else "for one"
    return (
        f"{action.name}: no worker serves the runner {action.runner} yet (looked at {rfc3339(workflow.now())}); "
        f"waiting {until}"
    )


async def execute(
    live: LiveEpisode, request: ExecuteRequest, action: PlannedAction, within: timedelta
) -> ExecuteResult:
    """Schedule the activity and wait for its end; a cancel is passed on to it. What was lost is ``lost``, never guessed."""
    handle = workflow.start_activity_method(
        Executing.execute,
        request,
        task_queue=names.runner_task_queue(action.runner),
        summary=action.name,
        **options.execution(action.timeout, within),
    )
    try:
        await workflow.wait_condition(lambda: handle.done() or live.cancel_wanted)
    except asyncio.CancelledError:
        live.cancelled_in_temporal = True
    if not handle.done():
        handle.cancel()
    try:
        return await handle
    except ActivityError as error:
        cause = error.cause
        if isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_START:
            return ExecuteResult(Start.NOT_DISPATCHED, f"no worker of the runner {action.runner} has taken it")
        return ExecuteResult(Start.LOST, _lost_reason(error))


async def recover(
    live: LiveEpisode, action: PlannedAction, plan: Plan, tried: int, executed: ExecuteResult
) -> Recovery:
    """Find out from the ledger what became of a start; when this returns, that start can not begin any more.

    Raises:
        AttemptEndedError: the ledger refuses to say.

    """
    wait = action.timeout + options.KILL_GRACE + options.RECORDING
    if executed.start is Start.NO_LEDGER:
        live.enter(State.WAITING_LEDGER, "the ledger does not answer; nothing runs unproven")
    request = RecoverRequest(
        key=action_key(live, action),
        tried=tried,
        wait=wait,
        plan_digest=plan.digest,
        nonce=executed.nonce if executed.start is Start.NO_LEDGER else "",
        reason=executed.reason,
        run_id=live.run_id,
    )
    try:
        recovered = await ledger.never_given_up(
            live,
            lambda: workflow.execute_activity_method(
                Proving.recover, request, summary=f"what became of {action.name}", **options.recovery(wait)
            ),
        )
    except ActivityError as error:
        if not ledger.is_refused(error):
            raise
        text = f"the ledger does not say what became of {action.name}: {error.cause}"
        raise AttemptEndedError(Outcome.UNKNOWN, text) from error
    live.note_proofs(recovered.proof_refs)
    return recovered


def _lost_reason(error: ActivityError) -> str:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return "cancelled before it started"
    if isinstance(cause, ApplicationError):
        return f"its worker failed: {cause.message}"
    return f"its worker was lost: {cause or error}"
