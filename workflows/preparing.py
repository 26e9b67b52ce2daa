"""Plan, condition, guard: before anybody is asked, and once more before anything begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

from lumen import names
from lumen.contracts import Planning
from lumen.episode import stale_after_of
from lumen.messages import Prepared, PrepareRequest, Verdict
from lumen.outcome import Outcome, State
from lumen.plan import Plan
from workflows import options
from workflows.asking import stop_if_over
from workflows.ledger import never_given_up
from workflows.live import CANCELLED_IN_TEMPORAL, AskAgainError, AttemptEndedError, LiveEpisode
from workflows.quick import quick
from workflows.starting import Authority

_FIRST_LOOK = 15.0
_LAST_LOOK = 300.0
_DISAGREE = "the workers have different rules: the one that should act makes another plan"


class Preparation:
    """Prepares one attempt, and remembers which guards it may hold."""

    def __init__(self, live: LiveEpisode, *, ignore_cooldown: bool) -> None:
        """``ignore_cooldown`` is the privilege of an ``override retry``."""
        self.live = live
        self.guards: tuple[str, ...] = ()
        self.fencing_token = 0
        self.plan: Plan | None = None
        self.rule = ""
        self.refused_digest = ""
        self._ignore_cooldown = ignore_cooldown
        self._pause = _FIRST_LOOK

    @property
    def holder(self) -> str:
        """The key under which this attempt holds its guards."""
        return names.attempt_key(self.live.workflow_id, self.live.first_run_id, self.live.attempt)

    async def prepare(self) -> Plan:
        """Return the plan that may be asked about; wait, visibly, while something outside blocks it.

        Raises:
            AttemptEndedError: refused, suppressed, condition not met, resolved, or stopped by a human.

        """
        live = self.live
        live.enter(State.PLANNING)
        while True:
            stop_if_over(live)
            seen = live.heard, live.woken
            prepared = await self._ask_worker(take_guards=True, waited=None)
            self.fencing_token = prepared.fencing_token
            reason = prepared.reason
            if prepared.verdict is Verdict.GO and prepared.plan is not None:
                if prepared.plan.digest != self.refused_digest:
                    return prepared.plan
                reason, self.refused_digest = _DISAGREE, ""
            _stop_unless_blocked(prepared)
            live.enter(State.BLOCKED, reason)
            await self._until_something_changes(seen, _LAST_LOOK if prepared.waits_for_guard else self._pause)
            self._pause = min(self._pause * 2, _LAST_LOOK)

    async def look_again(self, plan: Plan, authority: Authority, waited: float | None) -> None:
        """Re-check ``plan`` before it begins: what was true when people were asked need not be true now.

        What blocks for a moment (Prometheus away, Lumen frozen) is waited for while the decision is valid.

        Raises:
            AskAgainError: the plan changed or the decision lapsed.
            AttemptEndedError: as :meth:`prepare`.

        """
        live = self.live
        while True:
            stop_if_over(live)
            seen = live.heard, live.woken
            prepared = await self._ask_worker(take_guards=False, waited=waited)
            waited = None
            stop_if_over(live)
            _stop_unless_blocked(prepared)
            if prepared.plan is None or prepared.plan.digest != plan.digest:
                raise AskAgainError
            if prepared.verdict is Verdict.GO:
                return
            live.enter(State.BLOCKED, prepared.reason)
            await self._until_something_changes(seen, _FIRST_LOOK)
            if authority.valid_until is not None and workflow.now() >= authority.valid_until:
                raise AskAgainError

    async def _ask_worker(self, *, take_guards: bool, waited: float | None) -> Prepared:
        live = self.live
        assert live.episode.alert is not None  # noqa: S101 - an attempt begins with an alert
        request = PrepareRequest(
            alert=live.episode.alert,
            workflow_id=live.workflow_id,
            holder=self.holder,
            take_guards=take_guards,
            ignore_cooldown=self._ignore_cooldown,
            waited=waited,
        )
        cancelled = live.cancelled_in_temporal
        # The answer is waited for even then: guards that nobody knows of would never be given back.
        prepared = await never_given_up(
            live,
            lambda: quick(
                Planning.prepare,
                replace(request, again=live.cancelled_in_temporal),
                options.preparation(),
                summary="plan, condition, guards",
            ),
        )
        live.edition, live.episode.board.on = prepared.edition, prepared.shows
        live.unserved = prepared.unserved
        self.guards = tuple(dict.fromkeys((*self.guards, *prepared.guards)))
        self.plan = prepared.plan
        self.rule = prepared.plan.rule if prepared.plan else prepared.rule
        if prepared.plan is not None:
            live.episode.plan = prepared.plan
        if live.cancelled_in_temporal and not cancelled:
            raise AttemptEndedError(Outcome.CANCELLED, CANCELLED_IN_TEMPORAL)
        return prepared

    async def _until_something_changes(self, seen: tuple[int, int], pause: float) -> None:
        live = self.live
        try:
            await workflow.wait_condition(lambda: (live.heard, live.woken) != seen, timeout=pause)
        except TimeoutError:
            heard = live.episode.last_heard or workflow.now()
            if workflow.now() - heard >= timedelta(seconds=stale_after_of(live.episode)):
                text = f"blocked until nothing was heard of the alert any more: {live.reason}"
                raise AttemptEndedError(Outcome.SUPPRESSED, text) from None
        if workflow.info().is_continue_as_new_suggested():
            # The history has grown long; the episode goes on in a new run, which only happens between attempts.
            raise AttemptEndedError(Outcome.SUPPRESSED, f"blocked for very long: {live.reason}")


def _stop_unless_blocked(prepared: Prepared) -> None:
    if prepared.verdict is Verdict.REFUSED:
        raise AttemptEndedError(Outcome.REFUSED, prepared.reason)
    if prepared.verdict is Verdict.CONDITION_NOT_MET:
        raise AttemptEndedError(Outcome.CONDITION_NOT_MET, prepared.reason)
    if prepared.verdict is Verdict.SUPPRESSED:
        raise AttemptEndedError(Outcome.SUPPRESSED, prepared.reason)
