"""One attempt: the runbook of an episode, step by step."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from lumen import names
from lumen.ballot import OverrideDecision
from lumen.episode import Attempt
from lumen.outcome import FAILED, Outcome
from lumen.plan import Mode, Plan
from lumen.quorum import Tally, decided_at
from lumen.records import decision_entry, remediation_entry, rfc3339, timeout_entry
from workflows import asking, ledger
from workflows.acting import Actions, kept
from workflows.live import CANCELLED_IN_TEMPORAL, AskAgainError, AttemptEndedError, LiveEpisode, LookAgainError
from workflows.preparing import Preparation
from workflows.presentation import kept_votes
from workflows.remedying import Remedy
from workflows.starting import Authority


class AttemptRun:
    """Carries one attempt from its plan to its entry in the ledger."""

    def __init__(self, live: LiveEpisode, *, needs_vote: bool, ignore_cooldown: bool) -> None:
        """``needs_vote`` asks even in ``auto`` mode; ``ignore_cooldown`` is the privilege of an ``override retry``."""
        self.live = live
        self.needs_vote = needs_vote
        self.preparation = Preparation(live, ignore_cooldown=ignore_cooldown)
        self.actions = Actions(live)
        self.asks = 0
        self.waited: float | None = None
        self.decision: dict[str, Any] | None = None
        self.approved = False

    async def run(self) -> Attempt:
        """Go through the steps and return the ended attempt; it is in the ledger by then, whatever its outcome."""
        live = self.live
        started = workflow.now()
        try:
            outcome, reason = await self._steps()
        except AttemptEndedError as end:
            outcome, reason = end.outcome, end.reason
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                raise
            live.cancelled_in_temporal = True
            outcome, reason = Outcome.CANCELLED, CANCELLED_IN_TEMPORAL
        votes = kept_votes(live.approval) if live.approval else {}
        live.approval = None
        attempt = Attempt(
            live.attempt,
            outcome,
            started,
            workflow.now(),
            reason,
            tuple(kept(result) for result in live.results),
            ran=self.actions.started,
            approved=self.approved,
            decision=self._decided(),
            votes=votes,
            verification=live.verification,
        )
        live.verification = None
        await self._record_outcome(attempt)
        await self._release_guards(attempt)
        return attempt

    async def _steps(self) -> tuple[Outcome, str]:
        """Plan, condition, guard; ask, wait; re-check; act. Whatever does not stand any more begins anew."""
        while True:
            plan = await self.preparation.prepare()
            try:
                authority = await self._ask(plan)
                return await self._recheck_and_act(plan, authority)
            except AskAgainError as again:
                if again.plan_refused:
                    self.preparation.refused_digest = plan.digest
                self._forget_decision(plan)

    async def _recheck_and_act(self, plan: Plan, authority: Authority) -> tuple[Outcome, str]:
        # Where nobody was asked, no time has passed since the plan was made; later there is always something to re-check.
        fresh = self.decision is None
        while True:
            asking.stop_if_over(self.live)
            if not fresh:
                await self.preparation.look_again(plan, authority, self.waited)
            self.waited = None
            try:
                return await self._act(plan, authority)
            except LookAgainError:
                fresh = False

    def _forget_decision(self, plan: Plan) -> None:
        self.needs_vote = self.needs_vote or plan.mode is Mode.APPROVE
        if self.live.override is not None and self.live.override.decision == OverrideDecision.APPROVE:
            self.live.override = None
        self.decision = None
        self.approved = False

    async def _ask(self, plan: Plan) -> Authority:
        """Ask and wait, where the rule wants a vote; record who decided what before anything acts on it."""
        live = self.live
        if plan.mode is Mode.SHADOW or (plan.mode is Mode.AUTO and not self.needs_vote):
            return Authority(fencing_token=self.preparation.fencing_token)
        overridden = self._override_for(plan)
        if overridden is not None:
            return overridden
        if not plan.approval.allow:
            raise AttemptEndedError(Outcome.REFUSED, "a vote is needed and nobody is allowed to give one")
        request = asking.open_request(live, plan, self._next_ask())
        tally = await asking.wait_for_decision(live, request)
        self.waited = (workflow.now() - request.waiting.asked_at).total_seconds()
        if tally is not None:
            return await self._record_votes(plan, request.id, tally)
        by_override = live.override is not None
        overridden = self._override_for(plan)
        if overridden is not None:
            return overridden
        if by_override or plan.approval.on_timeout != "approve":
            raise AskAgainError  # an override for another plan than this one, which approves nothing by silence either
        return await self._record_timeout(plan, request.id)

    async def _record_votes(self, plan: Plan, approval_id: str, tally: Tally) -> Authority:
        seq = await self._append_votes(plan, approval_id, tally)
        side = tally.approve if tally.status == "approved" else tally.reject
        self.decision = {"by": "votes", "approval_id": approval_id, "voters": [vote.actor for vote in side], "seq": seq}
        if tally.status == "rejected":
            who = ", ".join(f"{vote.actor}" + (f" ({vote.reason})" if vote.reason else "") for vote in side)
            raise AttemptEndedError(Outcome.REJECTED, f"rejected by {who}")
        self.approved = True
        return self._authority(decided_at(tally), plan, seq)

    async def _record_timeout(self, plan: Plan, approval_id: str) -> Authority:
        live, now = self.live, workflow.now()
        assert live.episode.alert is not None  # noqa: S101 - somebody was asked about it
        seq = await ledger.append(live, timeout_entry(live.episode.alert, plan, approval_id, now))
        self.decision = {"by": "timeout", "approval_id": approval_id, "seq": seq}
        return self._authority(now, plan, seq)

    def _override_for(self, plan: Plan) -> Authority | None:
        """Return the authority of an override that approves this plan, if one stands and is not too old."""
        override = self.live.override
        if override is None or override.decision != OverrideDecision.APPROVE:
            return None
        authority = self._authority(override.at, plan, override.seq)
        lapsed = authority.valid_until is not None and authority.valid_until <= workflow.now()
        if lapsed or override.digest not in {"", plan.digest}:
            self.live.override = None
            return None
        self.decision = {"by": "override", "actor": override.actor, "seq": override.seq}
        self.approved = True
        return authority

    def _authority(self, decided: datetime, plan: Plan, seq: int) -> Authority:
        valid_until = decided + timedelta(seconds=plan.approval.valid_for)
        return Authority(valid_until, seq, self.preparation.fencing_token)

    async def _act(self, plan: Plan, authority: Authority) -> tuple[Outcome, str]:
        if plan.pretends:
            return self.actions.dry_run(plan), "dry run: nothing was executed"
        return await Remedy(self.live, self.actions, self._next_ask, self._append_votes).run(plan, authority)

    def _next_ask(self) -> int:
        self.asks += 1
        return self.asks

    async def _append_votes(self, plan: Plan, approval_id: str, tally: Tally) -> int:
        live = self.live
        assert live.episode.alert is not None  # noqa: S101 - somebody voted on it
        entry = decision_entry(live.episode.alert, plan, tally, approval_id, decided_at(tally), live.episode.proof_refs)
        return await ledger.append(live, entry)

    def _decided(self) -> dict[str, Any] | None:
        """Return what decided this attempt, for people to read: the ledger has its own record of it."""
        override = self.live.override
        if self.decision is not None:
            let_run = self.approved or self.decision["by"] == "timeout"
            shown = {name: value for name, value in self.decision.items() if name != "voters"}
            return {**shown, "decision": "approve" if let_run else "reject"}
        if override is not None:
            shown = {"by": "override", "decision": override.decision, "actor": override.actor, "seq": override.seq}
            return {**shown, "reason": override.reason}
        return None

    async def _record_outcome(self, attempt: Attempt) -> None:
        live = self.live
        assert live.episode.alert is not None  # noqa: S101 - an attempt begins with an alert
        entry = remediation_entry(
            workflow_id=live.workflow_id,
            first_run_id=live.first_run_id,
            alert=live.episode.alert,
            plan=self.preparation.plan,
            rule=self.preparation.rule,
            attempt=attempt,
            decision=self.decision,
        )
        try:
            await ledger.append(live, entry)
        except AttemptEndedError as refused:
            live.unproven = refused.reason

    async def _release_guards(self, attempt: Attempt) -> None:
        payload = {
            "holder": self.preparation.holder,
            "ran": attempt.ran,
            "failed": attempt.outcome in FAILED,
            "at": rfc3339(attempt.ended_at),
        }
        for guard in self.preparation.guards:
            await self._release(guard, payload)

    async def _release(self, guard: str, payload: dict[str, Any]) -> None:
        handle = workflow.get_external_workflow_handle(guard)
        try:
            await ledger.never_given_up(self.live, lambda: handle.signal(names.GUARD_RELEASE, payload))
        except FailureError as error:
            workflow.logger.warning("could not release %s, which is gone: %s", guard, error)
