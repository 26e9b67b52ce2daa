"""AlertWorkflow: one durable workflow for each episode of an alert, from its first notification to its last."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from lumen import names
from lumen.alert import Alert
from lumen.ballot import OverrideDecision, read_override, read_vote
from lumen.contracts import Notifying, Planning
from lumen.episode import Episode, EpisodeStart, Next, attempts_of, next_step
from lumen.errors import BallotError
from lumen.messages import Ended, StillFiringRequest
from lumen.outcome import HUMAN_NEEDED, State
from lumen.showing import Note
from workflows import approval, ledger, options
from workflows.attempt import AttemptRun
from workflows.live import AttemptEndedError, LiveEpisode
from workflows.quick import quick
from workflows.telling import tell_human

_FIRST_ALERT = timedelta(minutes=1)
_CANCEL_IS_NOTED = "cancel-is-noted"


@workflow.defn(name=names.ALERT_WORKFLOW)
class AlertWorkflow:
    """One episode. Signals, updates and queries only write to :class:`LiveEpisode`; the run decides."""

    @workflow.init
    def __init__(self, start: EpisodeStart) -> None:
        """Begin with nothing, or with what continue-as-new carried over."""
        self.live = LiveEpisode(start.key, start.carry or Episode())
        self.counted = False

    @workflow.run
    async def run(self, start: EpisodeStart) -> dict[str, Any]:  # noqa: ARG002 - `init` and `run` take the same arguments
        """Live the episode in a task that a cancel in Temporal does not interrupt, whatever it waits for."""
        if not workflow.patched(_CANCEL_IS_NOTED):
            return await self._live()  # a run from before: a cancel interrupts whatever it waits for
        episode = asyncio.create_task(self._live())
        while not episode.done():
            try:
                await workflow.wait([episode])
            except asyncio.CancelledError:
                self._cancel(episode)
        return episode.result()

    def _cancel(self, episode: asyncio.Task[dict[str, Any]]) -> None:
        """Note a cancel in Temporal: every step looks for it, as for an override. Without an alert nothing has begun."""
        live = self.live
        if live.episode.alert is None:
            episode.cancel()
            return
        live.cancelled_in_temporal = live.cancel_noted = True
        live.woken += 1

    async def _live(self) -> dict[str, Any]:
        """Attempt, cool, watch, and attempt again where the rules of an episode's life say so; then close."""
        await self._first_alert()
        step = Next("attempt") if not self.live.episode.attempts else self._next()
        while True:
            if step.step != "close":
                await self._take(step)
            elif await self._closed():
                return self._result()
            step = self._next()

    async def _first_alert(self) -> None:
        live = self.live
        try:
            await workflow.wait_condition(lambda: live.episode.alert is not None, timeout=_FIRST_ALERT)
        except TimeoutError:
            text = f'no alert came: start an episode with the signal "{names.SIGNAL_ALERT}" (lumen alert send does)'
            raise ApplicationError(text, type="no_alert", non_retryable=True) from None

    def _next(self) -> Next:
        if self.live.cancelled_in_temporal:
            return Next("close")
        return next_step(self.live.episode, workflow.now())

    async def _take(self, step: Next) -> None:
        if step.step == "attempt":
            await self._attempt(step)
        elif step.step == "exhausted":
            self.live.episode.said_exhausted = True
            limit = attempts_of(self.live.episode)
            tell_human(
                self.live,
                "attempts_used_up",
                f"the alert still fires after {limit} attempts; nothing more runs by itself",
            )
        elif step.step == "ask_prometheus":
            await self._ask_prometheus()
        else:
            await self._wait(step)

    async def _attempt(self, step: Next) -> None:
        live = self.live
        live.override = None
        live.in_attempt = True
        run = AttemptRun(live, needs_vote=step.needs_vote, ignore_cooldown=live.episode.retry_wanted)
        attempt = await run.run()
        live.in_attempt = False
        live.override = None
        live.results = []
        live.episode.end_attempt(attempt)
        live.showing.say(Note.ENDED, attempt=attempt.n, outcome=attempt.outcome, reason=attempt.reason)
        live.enter(State.COOLING, attempt.reason)
        if attempt.outcome in HUMAN_NEEDED:
            tell_human(live, attempt.outcome, attempt.reason)
        if live.unproven:
            text = f"attempt {attempt.n} ended {attempt.outcome}, and its entry is missing: {live.unproven}"
            tell_human(live, "unproven", text)
            live.unproven = ""

    async def _ask_prometheus(self) -> None:
        episode = self.live.episode
        assert episode.alert is not None  # noqa: S101 - an attempt has ended, so there was an alert
        episode.asked_prometheus = True
        request = StillFiringRequest(episode.alert)
        with contextlib.suppress(FailureError):  # no answer is no news: the alert will be heard if it fires
            answer = await quick(Planning.still_firing, request, options.question(), summary="does it still fire?")
            episode.still_firing = bool(answer.firing)

    async def _wait(self, step: Next) -> None:
        live = self.live
        live.tasks = [task for task in live.tasks if not task.done()]
        quiet = not live.tasks and live.showing.idle and workflow.all_handlers_finished()
        if workflow.info().is_continue_as_new_suggested() and quiet:
            workflow.continue_as_new(EpisodeStart(live.key, carry=live.episode))
        live.enter(State.COOLING if step.step == "cool" else State.WATCHING, live.reason)
        heard, woken = live.heard, live.woken
        left = (step.until - workflow.now()).total_seconds() if step.until else 0.0
        try:
            await workflow.wait_condition(
                lambda: live.heard != heard or live.woken != woken or live.episode.retry_wanted,
                timeout=max(left, 0.0),
                timeout_summary=step.step,
            )
        except TimeoutError:
            return
        except asyncio.CancelledError:
            live.cancelled_in_temporal = True

    async def _closed(self) -> bool:
        """Close, unless something was heard while the last things were done: an accepted alert must not be lost."""
        live = self.live
        await ledger.never_given_up(live, self._loose_ends)
        if self._next().step != "close":
            return False
        live.enter(State.CLOSED, live.reason)
        if not self.counted and live.episode.outcome is not None:
            self.counted = True
            with contextlib.suppress(FailureError):  # a counter is never worth an episode
                ended = Ended(live.episode.outcome)
                await quick(Notifying.count_closed, ended, options.counting())
        await ledger.never_given_up(live, lambda: live.showing.settled(unless=lambda: self._next().step != "close"))
        return self._next().step == "close" and workflow.all_handlers_finished()

    async def _loose_ends(self) -> None:
        await asyncio.gather(*self.live.tasks, return_exceptions=True)
        self.live.tasks = []
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _result(self) -> dict[str, Any]:
        return {"outcome": str(self.live.episode.outcome), "attempts": self.live.episode.attempts_ended}

    @workflow.signal(name=names.SIGNAL_ALERT, description="A notification about this alert: firing or resolved.")
    def alert(self, alert: Alert) -> None:
        """Take in a notification."""
        if self.live.episode.hear(alert, workflow.now()):
            self.live.heard += 1

    @workflow.update(
        name=names.UPDATE_VOTE, description='A vote: {"decision":"approve|reject","actor":"…","reason":"…"}'
    )
    async def vote(self, payload: Any) -> dict[str, Any]:
        """Count a vote and return the tally; fails with a reason of ``BallotError`` as type when it does not count."""
        try:
            return await approval.count_vote(self.live, read_vote(payload))
        except BallotError as error:
            raise ApplicationError(str(error), type=error.reason, non_retryable=True) from error
        except FailureError as error:
            raise ApplicationError("the vote could not be judged: try again", type="unavailable") from error

    @vote.validator
    def _check_vote(self, payload: Any) -> None:
        try:
            ballot = read_vote(payload)
            request = approval.check_open(self.live, ballot)
            approval.check_unused(request, ballot)
            approval.check_patience(self.live, request, ballot)
            approval.check_allowed(self.live, request, ballot)
        except BallotError as error:
            raise ApplicationError(str(error), type=error.reason, non_retryable=True) from error

    @workflow.signal(
        name=names.SIGNAL_VOTE, description='A vote: {"decision":"approve|reject","actor":"…","reason":"…"}'
    )
    async def vote_signal(self, payload: Any) -> None:
        """Count a vote that needs no answer, such as one of the Temporal CLI."""
        try:
            await approval.count_vote(self.live, read_vote(payload))
        except (BallotError, FailureError) as error:
            workflow.logger.warning("a vote was not counted: %s", error)

    @workflow.signal(
        name=names.SIGNAL_OVERRIDE,
        description='{"decision":"approve|reject|cancel|retry","actor":"…","reason":"…"}; goes into the ledger.',
    )
    async def override(self, payload: Any) -> None:
        """Take in an override; it is in the ledger before it has any effect."""
        live = self.live
        meant = live.attempt
        try:
            override = await approval.admit_override(live, read_override(payload))
        except (BallotError, FailureError, AttemptEndedError) as error:
            workflow.logger.warning("an override was not taken: %s", error)
            return
        if override.decision == OverrideDecision.RETRY:
            live.episode.retry_wanted = not live.in_attempt and bool(live.episode.attempts)
        elif live.in_attempt and live.attempt == meant:
            live.override = override
        else:
            workflow.logger.warning("an override came too late for attempt %d", meant)
        live.woken += 1

    @workflow.signal(name=names.SIGNAL_GRANTED, description="A guard has an answer: ask it again.")
    def guard_granted(self, guard: str) -> None:  # noqa: ARG002 - for the reader of the history
        """Look at the guards again."""
        self.live.woken += 1

    @workflow.signal(name=names.SIGNAL_WAKE, description="Look again now instead of at the next look.")
    def wake(self, reason: str = "") -> None:  # noqa: ARG002 - for the reader of the history
        """Look again at whatever blocks the episode."""
        self.live.woken += 1

    @workflow.signal(name=names.SIGNAL_CLEAR_COOLDOWN, description='End the cooldown: {"actor":"…","reason":"…"}')
    async def clear_cooldown(self, payload: Any = None) -> None:
        """End the cooldown of this episode; who did is in the ledger before it has any effect."""
        who = payload if isinstance(payload, dict) else {}
        try:
            await approval.record_clearing(self.live, str(who.get("actor", "")), str(who.get("reason", "")))
        except (FailureError, AttemptEndedError) as error:
            workflow.logger.warning("the cooldown was not cleared: %s", error)
            return
        self.live.episode.cooldown_cleared = True
        self.live.woken += 1

    @workflow.query(name=names.QUERY_STATUS, description="The JSON of GET /alerts/{key}.")
    def status(self) -> dict[str, Any]:
        """Return the state of the episode."""
        return self.live.snapshot()
