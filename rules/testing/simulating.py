"""What would become of a plan: the steps of one attempt without network, clock or program. Pure.

It follows the runbook of ``workflows.attempt`` with the same parts: quorum, escalations, and who may vote are those of the
core. A decision is acted on at the moment it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lumen.admission import Electorate, objection
from lumen.alert import Alert
from lumen.ballot import Rank
from lumen.outcome import ActionStatus, Outcome, State
from lumen.plan import Approval, Mode, Plan, PlannedAction, Refusal
from lumen.probing import Judgement
from lumen.quorum import Tally, Vote, VoteBox
from lumen.waiting import Waiting
from rules.model import Policy

ASKED_AT = datetime(2000, 1, 1, tzinfo=UTC)
Event = tuple[float, "Cast | None"]
"""When something comes, in seconds after people were asked: a vote, or the resolve of the alert (None)."""

_VERIFIED = {
    Judgement.HELD: (Outcome.REMEDIATED, ""),
    Judgement.FAILED: (Outcome.FAILED, "verification failed"),
    Judgement.UNKNOWN: (Outcome.UNKNOWN, "nobody could say whether it helped"),
}
_ENDS = {ActionStatus.FAILED: Outcome.FAILED, ActionStatus.UNKNOWN: Outcome.UNKNOWN}


@dataclass(frozen=True)
class Cast:
    """A vote, ``at`` seconds after people were asked; without a ``rank`` the voter is known as well as the rule asks."""

    actor: str
    decision: str
    at: float = 0.0
    rank: str = ""


@dataclass(frozen=True)
class Given:
    """What the world says. ``conditions`` are the answers of Prometheus one after the other, None = unavailable.

    ``guard``: ``free``, ``held``, ``cooling``, or what of a budget is used up. ``resolved`` in seconds after people were asked.
    ``results`` has rollbacks too, under the name of the action and ``/rollback``. ``verify``: whether it helped.
    """

    conditions: tuple[bool | None, ...] = (True,)
    guard: str = "free"
    frozen: bool = False
    results: Mapping[str, ActionStatus] = field(default_factory=dict)
    resolved: float | None = None
    votes: tuple[Cast, ...] = ()
    verify: Judgement = Judgement.HELD
    rollback_votes: tuple[Cast, ...] = ()


@dataclass
class Run:
    """How an attempt went. ``outcome`` is None where it waits for something outside; ``notes`` say what did not count."""

    path: list[State] = field(default_factory=list)
    outcome: Outcome | None = None
    reason: str = ""
    notes: list[str] = field(default_factory=list)

    def enter(self, state: State) -> None:
        """Note a state; one that follows itself is noted once."""
        if not self.path or self.path[-1] is not state:
            self.path.append(state)


class _EndedError(Exception):
    def __init__(self, outcome: Outcome | None, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


def simulate(alert: Alert, plan: Plan | Refusal, policy: Policy, given: Given) -> Run:
    """Return how one attempt of ``plan`` for ``alert`` would go."""
    run = Run()
    try:
        _Attempt(alert, policy, given, run).go(plan)
    except _EndedError as end:
        run.outcome, run.reason = end.outcome, end.reason
    return run


class _Attempt:
    def __init__(self, alert: Alert, policy: Policy, given: Given, run: Run) -> None:
        self._alert, self._policy, self._given, self._run = alert, policy, given, run
        self._answers = list(given.conditions)

    def go(self, plan: Plan | Refusal) -> None:
        self._run.enter(State.PLANNING)
        if isinstance(plan, Refusal):
            raise _EndedError(Outcome.REFUSED, plan.reason)
        self._look(plan)
        self._guard(plan)
        if plan.mode is Mode.APPROVE:
            self._ask(plan)
            self._look(plan)
        self._act(plan)

    def _look(self, plan: Plan) -> None:
        if self._given.frozen:
            self._block("Lumen is frozen")
        if not plan.condition:
            return
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            self._block("Prometheus does not answer")
        if not answer:
            raise _EndedError(Outcome.CONDITION_NOT_MET, f"the condition does not hold: {plan.condition}")

    def _guard(self, plan: Plan) -> None:
        says = self._given.guard
        if says == "free":
            return
        if says not in _guards_of(plan):
            self._run.notes.append(f"the rule has no guard that could say {says}: see target and limits")
        elif says != "held":
            why = f"the rule cools on {plan.target}" if says == "cooling" else f"the budget of {says} is used up"
            raise _EndedError(Outcome.SUPPRESSED, why)
        elif plan.dry_run:
            self._run.notes.append("a dry run takes no lock, so it waits for none")
        else:
            self._block("another episode holds the lock")

    def _block(self, reason: str) -> None:
        self._run.enter(State.BLOCKED)
        raise _EndedError(None, reason)

    def _ask(self, plan: Plan) -> None:
        self._run.enter(State.AWAITING_APPROVAL)
        resolve = [] if self._given.resolved is None else [(self._given.resolved, None)]
        tally = self._decision(plan.approval, [*resolve, *_timed(self._given.votes)])
        if tally is None:
            if plan.approval.on_timeout != "approve":
                raise _EndedError(Outcome.EXPIRED, "nobody decided in time")
        elif tally.status == "rejected":
            raise _EndedError(Outcome.REJECTED, f"rejected by {', '.join(vote.actor for vote in tally.reject)}")

    def _decision(self, rules: Approval, events: list[Event]) -> Tally | None:
        """Return the tally that decided, None where time ran out. Of two events at once the earlier in the list comes first."""
        waiting, box = Waiting.begun(rules, ASKED_AT), VoteBox()
        events = sorted(events, key=lambda event: event[0])
        for number, (at, cast) in enumerate(events):
            now = ASKED_AT + timedelta(seconds=at)
            while now >= waiting.expires_at and waiting.extends:
                waiting.extend(waiting.expires_at)
            if now >= waiting.expires_at:
                self._note_late(events[number:], "time was up")
                return None
            if cast is None:
                raise _EndedError(Outcome.RESOLVED, "the alert resolved before anything ran")
            self._cast(cast, rules, waiting, box, now)
            tally = box.decision(rules)
            if tally.status != "pending":
                self._note_late(events[number + 1 :], "it was decided")
                return tally
        return None

    def _note_late(self, events: list[Event], why: str) -> None:
        for at, cast in events:
            what = f"the vote of {cast.actor}" if cast else "the resolve"
            self._run.notes.append(f"{what} after {at:g} s came when {why}")

    def _cast(self, cast: Cast, rules: Approval, waiting: Waiting, box: VoteBox, now: datetime) -> None:
        actor = self._policy.principal(cast.actor)
        rank = cast.rank or rules.min_rank
        channel = Rank.LINK.name.lower() if not cast.rank else cast.rank
        asked = tuple(self._policy.principal(person) for person in self._alert.requesters)
        voters = Electorate(waiting.allow(now), rules.min_rank, rules.anonymous, rules.barred, asked)
        wrong = objection(actor, channel, rank, voters)
        if wrong is None:
            box.cast(Vote(actor, cast.decision, channel, rank, now))
        else:
            self._run.notes.append(f"the vote of {cast.actor} after {cast.at:g} s does not count: {wrong.message}")

    def _act(self, plan: Plan) -> None:
        if plan.dry_run or plan.mode is Mode.SHADOW:
            raise _EndedError(Outcome.DRY_RUN, "dry run: nothing was executed")
        self._run.enter(State.EXECUTING)
        begun: list[PlannedAction] = []
        outcome, why = self._run_actions(plan, begun)
        if outcome is Outcome.REMEDIATED and plan.verify is not None:
            self._run.enter(State.VERIFYING)
            outcome, why = _VERIFIED[self._given.verify]
        undo = [action.undo for action in reversed(begun) if action.undo is not None]
        if outcome is Outcome.FAILED and undo:
            outcome, why = self._undo(plan, undo, why)
        raise _EndedError(outcome, why)

    def _run_actions(self, plan: Plan, begun: list[PlannedAction]) -> tuple[Outcome, str]:
        for action in plan.actions:
            begun.append(action)
            status = self._given.results.get(action.name, ActionStatus.SUCCEEDED)
            if status is not ActionStatus.SUCCEEDED:
                return _ENDS[status], f"{action.name}: {status}"
        return Outcome.REMEDIATED, ""

    def _undo(self, plan: Plan, undo: list[PlannedAction], why: str) -> tuple[Outcome, str]:
        if plan.rollback_approval is not None:
            self._run.enter(State.AWAITING_APPROVAL)
            tally = self._decision(plan.rollback_approval, _timed(self._given.rollback_votes))
            if tally is None:
                return Outcome.FAILED, f"{why}; not rolled back: nobody decided in time"
            if tally.status == "rejected":
                who = ", ".join(vote.actor for vote in tally.reject)
                return Outcome.FAILED, f"{why}; not rolled back: rejected by {who}"
        self._run.enter(State.ROLLING_BACK)
        results = [(each.name, self._given.results.get(each.name, ActionStatus.SUCCEEDED)) for each in undo]
        bad = [f"{name} {status}" for name, status in results if status is not ActionStatus.SUCCEEDED]
        return (Outcome.FAILED, f"{why}; {', '.join(bad)}") if bad else (Outcome.ROLLED_BACK, f"{why}; rolled back")


def _timed(votes: tuple[Cast, ...]) -> list[Event]:
    return [(cast.at, cast) for cast in votes]


def _guards_of(plan: Plan) -> set[str]:
    """Return what the guards of ``plan`` could say against it."""
    limits = plan.limits
    counted = {"runs": limits.max_runs, "targets": limits.max_targets, "failures": limits.failures}
    found = {name for name, most in counted.items() if most}
    if plan.has_target:
        found |= {"cooling", "held"} if plan.cooldown else {"held"}
    return found | {"held"} if limits.concurrency or found else found
