"""The state of one guard: who may act on a target (or run a rule), who waits, and what cools. Pure; times are aware UTC.

A guard has ``capacity`` places (1 for a target). A place is held under a lease, so that a holder that was terminated
blocks nobody for ever, and carries a fencing token that only grows. Cooldown is kept per rule. The guard of a rule also keeps
its budget: what ran in a period, on which targets, and what failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lumen.budget import Budget, Spending, Spent, run_of
from lumen.names import first_run_of


@dataclass(frozen=True)
class Claim:
    """A wish for a place. ``holder`` identifies the attempt; ``lease`` and ``cooldown`` in seconds.

    ``target`` and ``limits`` matter to the guard of a rule only. ``renews``: asking again begins the lease anew, since only
    then does what may still be done end within it; the histories of older workers do without. ``asked_at``: when the episode
    asked for it, by the clock of its Temporal server, so that what comes late is told from what is new; not of older workers.
    """

    holder: str
    workflow_id: str
    rule: str
    lease: float
    cooldown: float
    capacity: int = 1
    ignore_cooldown: bool = False
    target: str = ""
    limits: Spending = field(default_factory=Spending)
    renews: bool = False
    asked_at: datetime | None = None


@dataclass(frozen=True)
class Place:
    """A place that is held: the claim, its fencing token and the end of its lease."""

    claim: Claim
    token: int
    granted_at: datetime
    lease_until: datetime


@dataclass(frozen=True)
class Answer:
    """What a claim gets: ``granted``, ``waiting`` (then behind ``behind``), ``cooling`` or ``spent`` (then ``until``).

    ``what`` is used up when ``spent``: ``runs``, ``targets`` or ``failures``.
    """

    status: str
    token: int = 0
    behind: str = ""
    until: datetime | None = None
    what: str = ""


_REMEMBERED = 500
_LATE = Answer("waiting", behind="a later attempt of this episode, or none: this one is over")


@dataclass
class Guard:
    """The whole state; carried through continue-as-new as it is.

    ``over``: by its first run, when the last attempt of an episode was over, for the last ones that gave anything back.
    """

    places: list[Place] = field(default_factory=list)
    waiting: list[Claim] = field(default_factory=list)
    cooling: dict[str, datetime] = field(default_factory=dict)
    next_token: int = 1
    budget: Budget = field(default_factory=Budget)
    over: dict[str, datetime] = field(default_factory=dict)

    def acquire(self, claim: Claim, now: datetime) -> Answer:
        """Grant a place, queue the claim, or say until when the rule cools. Asking twice gives the same answer.

        Of two claims of one holder the later stands, since another rule may have come to apply: it is what will cool. A claim
        that comes when its attempt is over gets nothing and takes nothing away.
        """
        if self._comes_late(claim):
            return _LATE
        self._give_up_earlier(claim, now)
        for index, place in enumerate(self.places):
            if place.claim.holder == claim.holder:
                lease_until = max(place.lease_until, now + timedelta(seconds=claim.lease if claim.renews else 0.0))
                self.places[index] = replace(place, claim=claim, lease_until=lease_until)
                # Its run is reserved; but what failed since it got its place stops it too.
                tripped = self.budget.tripped(claim.limits, now)
                return _spent(tripped) if tripped else Answer("granted", token=place.token)
        until = self.cooling.get(claim.rule)
        if until is not None and until > now and not claim.ignore_cooldown:
            self._forget(claim.holder)
            return Answer("cooling", until=until)
        spent = self.budget.spent(claim.limits, claim.target, now)
        if spent is not None:
            self._forget(claim.holder)
            return _spent(spent)
        if any(waiting.holder == claim.holder for waiting in self.waiting):
            self.waiting = [claim if waiting.holder == claim.holder else waiting for waiting in self.waiting]
        else:
            self.waiting.append(claim)
        self.promote(now)
        for place in self.places:
            if place.claim.holder == claim.holder:
                return Answer("granted", token=place.token)
        return Answer("waiting", behind=self.places[0].claim.holder)

    def promote(self, now: datetime) -> list[Claim]:
        """Give free places to those who wait, first come first served; return the claims that should ask again.

        Those are the ones that now hold a place and the ones that wait for nothing, since their rule has begun to cool or
        its budget is used up.
        """
        told = []
        while self.waiting:
            claim = self.waiting[0]
            cooling = not claim.ignore_cooldown and self.cooling.get(claim.rule, now) > now
            refused = cooling or self.budget.spent(claim.limits, claim.target, now) is not None
            if not refused and self._full(claim, now):
                break
            self.waiting.pop(0)
            told.append(claim)
            if not refused:
                lease_until = now + timedelta(seconds=claim.lease)
                self.places.append(Place(claim, self.next_token, now, lease_until))
                self.next_token += 1
        return told

    def release(self, holder: str, *, ran: bool, now: datetime, failed: bool = False) -> None:
        """Free the place of ``holder`` (or its place in the queue). The rule cools, and its run counts, if something ran."""
        for place in self.places:
            if place.claim.holder == holder and ran:
                self._cool(place.claim, now)
                self._spend(place.claim, now, failed=failed)
        self.places = [place for place in self.places if place.claim.holder != holder]
        self._forget(holder)

    def end(self, holder: str, at: datetime) -> None:
        """Note that the attempt ``holder`` was over ``at``: what its episode asked for before is not wanted any more."""
        run = first_run_of(holder)
        self.over[run] = max(at, self.over.pop(run, at))
        if len(self.over) > _REMEMBERED:
            del self.over[next(iter(self.over))]

    def expired(self, now: datetime) -> list[Place]:
        """Return the places whose lease is over."""
        return [place for place in self.places if place.lease_until <= now]

    def extend(self, holder: str, now: datetime) -> None:
        """Give ``holder`` another lease from ``now`` on: it was seen alive."""
        self.places = [
            replace(place, lease_until=now + timedelta(seconds=place.claim.lease))
            if place.claim.holder == holder
            else place
            for place in self.places
        ]

    def clear(self, rule: str = "") -> list[str]:
        """Forget cooldown and spent budget of ``rule``, or of all rules when it is empty; return the rules this is about."""
        cleared = [name for name in self.cooling if not rule or name == rule]
        for name in cleared:
            del self.cooling[name]
        return sorted({*cleared, *self.budget.clear(rule)})

    def forget_old(self, now: datetime) -> bool:
        """Drop the cooldowns that are over and the runs that do not count any more; return whether a run was dropped."""
        self.cooling = {rule: until for rule, until in self.cooling.items() if until > now}
        return self.budget.forget(now)

    def next_deadline(self) -> datetime | None:
        """Return when something will next lapse: a lease, a cooldown or a run."""
        moments = [place.lease_until for place in self.places] + list(self.cooling.values())
        moments += [run.until for run in self.budget.runs[:1]]
        return min(moments, default=None)

    @property
    def idle(self) -> bool:
        """Whether nothing is held, awaited, cooling or spent."""
        return not (self.places or self.waiting or self.cooling or self.budget.runs)

    def _comes_late(self, claim: Claim) -> bool:
        asked_at = claim.asked_at
        if asked_at is None:
            return False
        over = self.over.get(first_run_of(claim.holder))
        known = [place.claim for place in self.places] + self.waiting
        return (over is not None and asked_at <= over) or any(
            other.workflow_id == claim.workflow_id
            and other.holder != claim.holder
            and other.asked_at is not None
            and asked_at < other.asked_at
            for other in known
        )

    def _give_up_earlier(self, claim: Claim, now: datetime) -> None:
        """Give up what an earlier attempt of the same episode left: an episode runs one attempt at a time.

        The place of an earlier run (terminated, say) is kept until its lease is over, since its action may still run; only
        its place in the queue is lost.
        """
        run = first_run_of(claim.holder)
        for place in list(self.places):
            known = place.claim
            if (
                known.workflow_id == claim.workflow_id
                and known.holder != claim.holder
                and first_run_of(known.holder) == run
            ):
                self.release(known.holder, ran=True, now=now)
        self.waiting = [
            known for known in self.waiting if known.workflow_id != claim.workflow_id or known.holder == claim.holder
        ]

    def _full(self, claim: Claim, now: datetime) -> bool:
        """Return whether ``claim`` has to wait for those that hold places."""
        if len(self.places) >= max(1, claim.capacity):
            return True
        return self.budget.reserved(claim.limits, claim.target, (place.claim.target for place in self.places), now)

    def _spend(self, claim: Claim, now: datetime, *, failed: bool) -> None:
        if claim.limits.limited:
            self.budget.note(run_of(claim.rule, claim.target, claim.limits, now, failed=failed))

    def _cool(self, claim: Claim, now: datetime) -> None:
        if claim.cooldown <= 0:
            return
        until = now + timedelta(seconds=claim.cooldown)
        self.cooling[claim.rule] = max(until, self.cooling.get(claim.rule, until))

    def _forget(self, holder: str) -> None:
        self.waiting = [claim for claim in self.waiting if claim.holder != holder]


def _spent(spent: Spent) -> Answer:
    return Answer("spent", until=spent.until, what=spent.what)
