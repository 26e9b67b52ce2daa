"""The remedy of an attempt: act, look whether it helped, and undo what did not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from temporalio import workflow

from lumen.ballot import OverrideDecision
from lumen.messages import ActionResult
from lumen.outcome import ActionStatus, Outcome
from lumen.plan import Approval, Plan
from lumen.probing import Judgement
from lumen.quorum import Tally
from workflows import asking
from workflows.acting import Actions
from workflows.live import CANCELLED_IN_TEMPORAL, AttemptEndedError, LiveEpisode
from workflows.starting import Authority
from workflows.verifying import verify

Record = Callable[[Plan, str, Tally], Awaitable[int]]
"""Puts a decision into the ledger: the plan, the id of the request, the tally; returns where it stands."""


class Remedy:
    """Acts on one decided plan and answers for the end."""

    def __init__(self, live: LiveEpisode, actions: Actions, next_ask: Callable[[], int], record: Record) -> None:
        """``next_ask`` numbers the requests of the attempt; ``record`` puts what people decided into the ledger."""
        self.live = live
        self.actions = actions
        self._next_ask = next_ask
        self._record = record

    async def run(self, plan: Plan, authority: Authority) -> tuple[Outcome, str]:
        """Return the outcome of the attempt and why, in words for a person.

        Raises:
            AskAgainError, LookAgainError, AttemptEndedError: as :meth:`Actions.run`.

        """
        try:
            outcome, why = await self._act_and_verify(plan, authority)
        except AttemptEndedError as end:
            # The rules changed, or the ledger refused, in the middle: what ran before must not be left as it is.
            if end.outcome is not Outcome.FAILED or not self.actions.started:
                raise
            outcome, why = end.outcome, end.reason
        if outcome in {Outcome.FAILED, Outcome.CANCELLED} and self.actions.undoable(plan):
            return await self._undo(plan, authority, outcome, why)
        return outcome, why

    async def _act_and_verify(self, plan: Plan, authority: Authority) -> tuple[Outcome, str]:
        live = self.live
        outcome = await self.actions.run(plan, authority)
        last = live.results[-1]
        if outcome is Outcome.CANCELLED:
            return outcome, self._cancelled() or f"{last.name}: {last.reason}"
        if outcome is not Outcome.REMEDIATED or plan.verify is None:
            return outcome, "" if outcome is Outcome.REMEDIATED else f"{last.name}: {last.reason}"
        found = await verify(live, plan, plan.verify)
        if live.cancel_wanted:
            return Outcome.CANCELLED, self._cancelled() or "cancelled while it was verified"
        if found.verdict is Judgement.HELD:
            return Outcome.REMEDIATED, ""
        if found.verdict is Judgement.UNKNOWN:
            return Outcome.UNKNOWN, f"nobody could say whether it helped: {found.reason}"
        return Outcome.FAILED, f"verification failed: {found.reason}"

    def _cancelled(self) -> str:
        override = self.live.override
        if override is not None and override.decision == OverrideDecision.CANCEL:
            return f"cancelled by {override.actor}: {override.reason}"
        return CANCELLED_IN_TEMPORAL if self.live.cancelled_in_temporal else ""

    async def _undo(self, plan: Plan, authority: Authority, outcome: Outcome, why: str) -> tuple[Outcome, str]:
        live = self.live
        live.undoing = True
        try:
            if plan.rollback_approval is not None and (no := await self._refused(plan, plan.rollback_approval, why)):
                return outcome, f"{why}; not rolled back: {no}"
            try:
                undone = await self.actions.undo(plan, authority)
            except AttemptEndedError as end:
                return outcome, f"{why}; the rollback could not go on: {end.reason}"
        finally:
            live.undoing = False
        if bad := [result for result in undone if result.status is not ActionStatus.SUCCEEDED]:
            return outcome, f"{why}; {_named(bad)}: look at what is left of it"
        ended = Outcome.CANCELLED if outcome is Outcome.CANCELLED else Outcome.ROLLED_BACK
        return ended, f"{why}; rolled back"

    async def _refused(self, plan: Plan, approval: Approval, why: str) -> str:
        """Ask people whether what was done shall be undone; return why not, or nothing."""
        live = self.live
        request = asking.open_request(live, replace(plan, approval=approval), self._next_ask(), why)
        tally = await asking.wait_for_rollback(live, request)
        override = live.override
        if tally is not None:
            await self._record(request.plan, request.id, tally)
            side = tally.approve if tally.status == "approved" else tally.reject
            who = ", ".join(vote.actor for vote in side)
            return "" if tally.status == "approved" else f"rejected by {who}"
        if override is not None and override is not request.known:
            return "" if override.decision == "approve" else f"{override.decision} by override of {override.actor}"
        if live.cancel_noted and not request.cancel_known:
            return CANCELLED_IN_TEMPORAL
        if request.plan_changed:
            return "the rule changed since it was asked about"
        workflow.logger.warning("nobody decided about a rollback in time")
        return "nobody decided in time"


def _named(results: list[ActionResult]) -> str:
    return ", ".join(f"{result.name} {result.status}: {result.reason}" for result in results)
