"""One attempt: the runbook of an episode, step by step."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from lumen import names
from lumen.ballot import OverrideDecision
from lumen.contracts import Planning
from lumen.episode import Attempt, stale_after_of
from lumen.messages import Prepared, PrepareRequest, Verdict
from lumen.outcome import ActionStatus, Outcome, State
from lumen.plan import Mode, Plan
from lumen.quorum import Tally, decided_at
from lumen.records import decision_entry, remediation_entry, rfc3339
from workflows import approval, ledger, options
from workflows.acting import Actions, Authority, kept
from workflows.live import AskAgainError, AttemptEndedError, LiveEpisode

_FIRST_LOOK = 15.0
_LAST_LOOK = 300.0


class AttemptRun:
    """Carries one attempt from its plan to its entry in the ledger."""

    def __init__(self, live: LiveEpisode, *, needs_vote: bool, ignore_cooldown: bool) -> None:
        """``needs_vote`` asks even in ``auto`` mode; ``ignore_cooldown`` is the privilege of an ``override retry``."""
        self.live = live
        self.needs_vote = needs_vote
        self.ignore_cooldown = ignore_cooldown
        self.actions = Actions(live)
        self.guards: tuple[str, ...] = ()
        self.fencing_token = 0
        self.waited: float | None = None
        self.asks = 0
        self.decision: dict[str, Any] | None = None
        self.ran = False

    async def run(self) -> Attempt:
        """Go through the steps and return the ended attempt; it is in the ledger by then, whatever its outcome."""
        live = self.live
        started = workflow.now()
        reason = ""
        try:
            outcome, reason = await self._steps()
        except AttemptEndedError as end:
            outcome, reason = end.outcome, end.reason
        except asyncio.CancelledError:
            live.cancelled_in_temporal = True
            outcome, reason = Outcome.CANCELLED, "the workflow was cancelled in Temporal"
        live.approval = None
        results = tuple(kept(result) for result in live.results)
        attempt = Attempt(live.attempt, outcome, started, workflow.now(), reason, results)
        await self._record_outcome(attempt)
        await self._release_guards()
        return attempt

    async def _steps(self) -> tuple[Outcome, str]:
        while True:
            plan = await self._plan_condition_guard()
            try:
                authority = await self._ask(plan)
                await self._look_again(plan, authority)
                return await self._act(plan, authority)
            except AskAgainError:
                self.needs_vote = self.needs_vote or plan.mode is Mode.APPROVE
                if self.live.override is not None and self.live.override.decision == OverrideDecision.APPROVE:
                    self.live.override = None
                self.decision = None

    async def _plan_condition_guard(self) -> Plan:
        """Plan, condition, guard: one local activity, repeated while something outside blocks it."""
        live = self.live
        live.enter(State.PLANNING)
        pause = _FIRST_LOOK
        while True:
            approval.stop_if_over(live)
            seen = live.heard, live.woken
            prepared = await self._prepare(take_guards=True)
            self.guards = tuple(dict.fromkeys((*self.guards, *prepared.guards)))
            self.fencing_token = prepared.fencing_token
            if prepared.plan is not None:
                live.episode.plan = prepared.plan
            if prepared.verdict is Verdict.GO and prepared.plan is not None:
                return prepared.plan
            self._stop_unless_blocked(prepared)
            live.enter(State.BLOCKED, prepared.reason)
            await self._until_something_changes(seen, _LAST_LOOK if prepared.waits_for_guard else pause)
            pause = min(pause * 2, _LAST_LOOK)

    async def _until_something_changes(self, seen: tuple[int, int], pause: float) -> None:
        live = self.live
        try:
            await workflow.wait_condition(
                lambda: (live.heard, live.woken) != seen or live.override is not None or live.resolved, timeout=pause
            )
        except TimeoutError:
            heard = live.episode.last_heard or workflow.now()
            if workflow.now() - heard >= timedelta(seconds=stale_after_of(live.episode)):
                text = f"blocked until nothing was heard of the alert any more: {live.reason}"
                raise AttemptEndedError(Outcome.SUPPRESSED, text) from None

    async def _prepare(self, *, take_guards: bool) -> Prepared:
        live = self.live
        assert live.episode.alert is not None  # noqa: S101 - an attempt begins with an alert
        request = PrepareRequest(
            alert=live.episode.alert,
            workflow_id=live.workflow_id,
            holder=self._holder(),
            take_guards=take_guards,
            ignore_cooldown=self.ignore_cooldown,
            waited=None if take_guards else self.waited,
        )
        return await workflow.execute_local_activity_method(Planning.prepare, request, **options.preparation())

    def _stop_unless_blocked(self, prepared: Prepared) -> None:
        if prepared.verdict is Verdict.REFUSED:
            raise AttemptEndedError(Outcome.REFUSED, prepared.reason)
        if prepared.verdict is Verdict.CONDITION_NOT_MET:
            raise AttemptEndedError(Outcome.CONDITION_NOT_MET, prepared.reason)
        if prepared.verdict is Verdict.SUPPRESSED:
            raise AttemptEndedError(Outcome.SUPPRESSED, prepared.reason)

    async def _ask(self, plan: Plan) -> Authority:
        """Ask and wait, where the rule wants a vote; record who decided what before anything acts on it."""
        live = self.live
        if plan.mode is Mode.SHADOW or (plan.mode is Mode.AUTO and not self.needs_vote):
            return Authority(fencing_token=self.fencing_token)
        if live.override is not None and live.override.decision == OverrideDecision.APPROVE:
            return self._overridden(plan)
        self.asks += 1
        request = approval.open_request(live, plan, self.asks)
        tally = await approval.wait_for_decision(live, request)
        self.waited = (workflow.now() - request.asked_at).total_seconds()
        if tally is None:
            return self._overridden(plan) if live.override is not None else self._by_timeout(plan)
        return await self._record_decision(plan, request.id, tally)

    async def _record_decision(self, plan: Plan, approval_id: str, tally: Tally) -> Authority:
        live = self.live
        decided = decided_at(tally)
        assert live.episode.alert is not None  # noqa: S101 - somebody voted on it
        entry = decision_entry(live.episode.alert, plan, tally, approval_id, decided, live.episode.proof_refs)
        seq = await ledger.append(live, entry)
        side = tally.approve if tally.status == "approved" else tally.reject
        self.decision = {"by": "votes", "approval_id": approval_id, "voters": [vote.actor for vote in side], "seq": seq}
        if tally.status == "rejected":
            who = ", ".join(f"{vote.actor}" + (f" ({vote.reason})" if vote.reason else "") for vote in side)
            raise AttemptEndedError(Outcome.REJECTED, f"rejected by {who}")
        return Authority(decided + timedelta(seconds=plan.approval.valid_for), seq, self.fencing_token)

    def _overridden(self, plan: Plan) -> Authority:
        override = self.live.override
        assert override is not None  # noqa: S101 - the callers looked
        self.decision = {"by": "override", "actor": override.actor, "seq": override.seq}
        return Authority(self._valid_from(workflow.now(), plan), override.seq, self.fencing_token)

    def _by_timeout(self, plan: Plan) -> Authority:
        self.decision = {"by": "timeout"}
        return Authority(self._valid_from(workflow.now(), plan), fencing_token=self.fencing_token)

    def _valid_from(self, moment: datetime, plan: Plan) -> datetime:
        return moment + timedelta(seconds=plan.approval.valid_for)

    async def _look_again(self, plan: Plan, authority: Authority) -> None:
        """Re-check after the wait: what was true when people were asked need not be true now.

        What blocks for a moment (Prometheus away, Lumen frozen) is waited for while the decision is valid.
        """
        live = self.live
        approval.stop_if_over(live)
        if self.decision is None:
            return  # nobody was asked, so no time has passed since the plan was made
        live.approval = None
        while True:
            seen = live.heard, live.woken
            prepared = await self._prepare(take_guards=False)
            self.waited = None
            approval.stop_if_over(live)
            self._stop_unless_blocked(prepared)
            if prepared.plan is None or prepared.plan.digest != plan.digest:
                raise AskAgainError
            if prepared.verdict is Verdict.GO:
                return
            live.enter(State.BLOCKED, prepared.reason)
            await self._until_something_changes(seen, _FIRST_LOOK)
            if authority.valid_until is not None and workflow.now() >= authority.valid_until:
                raise AskAgainError

    async def _act(self, plan: Plan, authority: Authority) -> tuple[Outcome, str]:
        if plan.dry_run or plan.mode is Mode.SHADOW:
            return self.actions.dry_run(plan), "dry run: nothing was executed"
        outcome = await self.actions.run(plan, authority)
        last = self.live.results[-1]
        reason = "" if outcome is Outcome.REMEDIATED else f"{last.name}: {last.reason}"
        if outcome is Outcome.CANCELLED and self.live.override is not None:
            reason = f"cancelled by {self.live.override.actor}: {self.live.override.reason}"
        return outcome, reason

    async def _record_outcome(self, attempt: Attempt) -> None:
        live = self.live
        assert live.episode.alert is not None  # noqa: S101 - an attempt begins with an alert
        entry = remediation_entry(
            workflow_id=live.workflow_id,
            first_run_id=live.first_run_id,
            alert=live.episode.alert,
            plan=live.episode.plan,
            attempt=attempt,
            decision=self.decision,
        )
        try:
            await ledger.append(live, entry)
        except AttemptEndedError as refused:
            workflow.logger.error("attempt %d has no entry: %s", attempt.n, refused.reason)

    async def _release_guards(self) -> None:
        started = any(result.status is not ActionStatus.DRY_RUN for result in self.live.results)
        for guard in self.guards:
            handle = workflow.get_external_workflow_handle(guard)
            try:
                await handle.signal(
                    names.GUARD_RELEASE,
                    {"holder": self._holder(), "ran": started, "at": rfc3339(workflow.now())},
                )
            except Exception as error:  # noqa: BLE001 - a guard that is gone needs no release
                workflow.logger.warning("could not release %s: %s", guard, error)

    def _holder(self) -> str:
        return names.attempt_key(self.live.workflow_id, self.live.first_run_id, self.live.attempt)
