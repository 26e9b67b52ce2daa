"""Claim, act, result: one action of an approved plan, started at most once a try whatever is killed when."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from lumen import names
from lumen.ballot import OverrideDecision
from lumen.contracts import Executing, Proving
from lumen.messages import ActionResult, ExecuteRequest, ExecuteResult, Found, RecoverRequest, Recovery, Start
from lumen.outcome import ActionStatus, Outcome, State
from lumen.plan import Plan, PlannedAction
from lumen.records import finished_entry
from workflows import ledger, options
from workflows.live import AskAgainError, AttemptEndedError, LiveEpisode

MAX_LOST = 5
"""How often an idempotent action is started again after its worker was lost."""

_FROZEN_POLL = timedelta(minutes=1)


@dataclass
class Authority:
    """What allows the actions of an attempt: the end of the decision's validity, its place in the ledger, the lock's token."""

    valid_until: datetime | None = None
    decision_seq: int | None = None
    fencing_token: int = 0


@dataclass
class Actions:
    """The actions of one attempt. ``tried`` counts the starts of each, over every request of the attempt."""

    live: LiveEpisode
    tried: dict[str, int] = field(default_factory=dict)

    async def run(self, plan: Plan, authority: Authority) -> Outcome:
        """Run the plan's actions in order, up to the first that does not succeed; return what that makes of the attempt.

        Raises:
            AskAgainError: nothing ran, and what was decided does not stand any more.
            AttemptEndedError: the ledger refused an entry.

        """
        self.live.results = []
        for action in plan.actions:
            self.live.enter(State.EXECUTING, action.name)
            result = await self._run_action(plan, action, authority)
            self.live.results.append(result)
            if result.status is not ActionStatus.SUCCEEDED:
                return _OUTCOMES[result.status]
            authority = replace(authority, valid_until=None)
            if self._cancel_wanted():
                return Outcome.CANCELLED
        return Outcome.REMEDIATED

    def dry_run(self, plan: Plan) -> Outcome:
        """Pretend: every action is listed as not run."""
        self.live.results = [
            ActionResult(action.name, action.kind, self._key(action), ActionStatus.DRY_RUN) for action in plan.actions
        ]
        return Outcome.DRY_RUN

    async def _run_action(self, plan: Plan, action: PlannedAction, authority: Authority) -> ActionResult:
        lost = failures = idle = 0
        while True:
            if self._cancel_wanted():
                reason = "cancelled before it started"
                return ActionResult(action.name, action.kind, self._key(action), ActionStatus.CANCELLED, reason)
            tried = self.tried.get(action.name, 0) + 1
            executed = await self._execute(plan, action, tried, authority)
            if executed.start is not Start.RAN and await self._not_claimed(executed):
                continue
            self.tried[action.name] = tried
            found, result = await self._result_of(action, tried, executed)
            if result is not None:
                failures += 1
                if not self._again(action, result, failures):
                    return result
                await workflow.sleep(action.backoff, summary=f"backoff of {action.name}")
            elif found is Found.UNKNOWN:
                lost += 1
                if not action.idempotent or lost > MAX_LOST:
                    return self._unknown(action, executed.reason)
            else:
                idle += 1
                await workflow.sleep(
                    min(2.0**idle, 60.0), summary=f"{action.name} did not start: {executed.reason}"[:200]
                )

    async def _result_of(
        self, action: PlannedAction, tried: int, executed: ExecuteResult
    ) -> tuple[Found, ActionResult | None]:
        """Return the result of a start: its own where it came back, else what the ledger has of it."""
        if executed.start is Start.RAN and executed.result is not None:
            await self._record(executed, tried)
            return Found.RESULT, executed.result
        # A result found is a result like any other: after a reset the retries that followed it are found in their turn.
        recovered = await self._recover(action, tried, executed)
        return recovered.found, recovered.result if recovered.found is Found.RESULT else None

    async def _execute(self, plan: Plan, action: PlannedAction, tried: int, authority: Authority) -> ExecuteResult:
        live = self.live
        start_within = None
        if authority.valid_until is not None:
            start_within = authority.valid_until - workflow.now()
            if start_within <= timedelta(0):
                raise AskAgainError
        assert live.episode.alert is not None  # noqa: S101 - a plan exists, so an alert does
        handle = workflow.start_activity_method(
            Executing.execute,
            ExecuteRequest(
                alert=live.episode.alert,
                workflow_id=live.workflow_id,
                digest=plan.digest,
                action=action.name,
                key=self._key(action),
                tried=tried,
                attempt=live.attempt,
                valid_until=authority.valid_until,
                decision_seq=authority.decision_seq,
                fencing_token=authority.fencing_token,
            ),
            task_queue=names.runner_task_queue(action.runner),
            summary=action.name,
            **options.execution(action.timeout, start_within),
        )
        try:
            await workflow.wait_condition(lambda: handle.done() or self._cancel_wanted())
        except asyncio.CancelledError:
            live.cancelled_in_temporal = True
        if not handle.done():
            handle.cancel()
        try:
            return await handle
        except ActivityError as error:
            return ExecuteResult(Start.CLAIMED_BY_ANOTHER, reason=_lost_reason(error))

    async def _record(self, executed: ExecuteResult, tried: int) -> None:
        self.live.episode.proof_refs = [*self.live.episode.proof_refs, *executed.proof_refs][-100:]
        if not executed.recorded and executed.result is not None:
            entry = finished_entry(executed.result, tried, executed.nonce, self.live.workflow_id)
            await ledger.append(self.live, entry)

    async def _not_claimed(self, executed: ExecuteResult) -> bool:
        """Handle the answers that mean for certain that nothing was claimed; return whether to try again as before."""
        if executed.start is Start.LEDGER_REFUSED:
            raise AttemptEndedError(Outcome.FAILED, executed.reason)
        if executed.start in {Start.PLAN_CHANGED, Start.DECISION_LAPSED}:
            if self.live.results:
                raise AttemptEndedError(Outcome.FAILED, f"{executed.reason}; earlier actions of this attempt did run")
            raise AskAgainError
        if executed.start is Start.FROZEN:
            self.live.enter(State.BLOCKED, executed.reason)
            await self._until_woken()
            if self._cancel_wanted():
                raise AttemptEndedError(Outcome.CANCELLED, "cancelled while Lumen was frozen")
            return True
        return False

    async def _until_woken(self) -> None:
        woken = self.live.woken
        try:
            await workflow.wait_condition(
                lambda: self.live.woken != woken or self._cancel_wanted(), timeout=_FROZEN_POLL.total_seconds()
            )
        except TimeoutError:
            return

    async def _recover(self, action: PlannedAction, tried: int, executed: ExecuteResult) -> Recovery:
        wait = action.timeout + options.KILL_GRACE + 5.0
        if executed.start is Start.NO_LEDGER:
            self.live.enter(State.WAITING_LEDGER, "the ledger does not answer; nothing runs unproven")
        request = RecoverRequest(
            key=self._key(action),
            tried=tried,
            wait=wait,
            nonce=executed.nonce if executed.start is Start.NO_LEDGER else "",
            reason=executed.reason,
            run_id=self.live.run_id,
        )
        try:
            recovered = await ledger.never_given_up(
                self.live,
                lambda: workflow.execute_activity_method(
                    Proving.recover, request, summary=f"what became of {action.name}", **options.recovery(wait)
                ),
            )
        except ActivityError as error:
            if not ledger.is_refused(error):
                raise
            text = f"the ledger does not say what became of {action.name}: {error.cause}"
            raise AttemptEndedError(Outcome.UNKNOWN, text) from error
        self.live.enter(State.EXECUTING, action.name)
        self.live.episode.proof_refs = [*self.live.episode.proof_refs, *recovered.proof_refs][-100:]
        return recovered

    def _unknown(self, action: PlannedAction, reason: str) -> ActionResult:
        text = (
            f"it was started and its result is not known ({reason}); look at {action.name} before you let it run again"
        )
        return ActionResult(action.name, action.kind, self._key(action), ActionStatus.UNKNOWN, text)

    def _again(self, action: PlannedAction, result: ActionResult, failures: int) -> bool:
        retried = result.status is ActionStatus.FAILED and action.idempotent and failures < action.attempts
        return retried and not self._cancel_wanted()

    def _cancel_wanted(self) -> bool:
        override = self.live.override
        wanted = override is not None and override.decision == OverrideDecision.CANCEL
        return wanted or self.live.cancelled_in_temporal

    def _key(self, action: PlannedAction) -> str:
        return names.action_key(self.live.workflow_id, self.live.first_run_id, self.live.attempt, action.name)


_OUTCOMES = {
    ActionStatus.FAILED: Outcome.FAILED,
    ActionStatus.UNKNOWN: Outcome.UNKNOWN,
    ActionStatus.CANCELLED: Outcome.CANCELLED,
    ActionStatus.DRY_RUN: Outcome.DRY_RUN,
}


def kept(result: ActionResult) -> dict[str, Any]:
    """Return a result as an episode remembers it: the ledger has all of it, the history only the end of each output."""
    body = asdict(result)
    for stream in ("stdout", "stderr"):
        captured = body["detail"].get(stream)
        if isinstance(captured, dict):
            body["detail"][stream] = {**captured, "head": captured["head"][:500], "tail": captured["tail"][-500:]}
    return body


def _lost_reason(error: ActivityError) -> str:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return "cancelled before it started"
    if isinstance(cause, ApplicationError):
        return f"its worker failed: {cause.message}"
    return f"its worker was lost: {cause or error}"
