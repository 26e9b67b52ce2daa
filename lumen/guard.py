"""The state of one guard: who may act on a target (or run a rule), who waits, and what cools. Pure; times are aware UTC.

A guard has ``capacity`` places (1 for a target). A place is held under a lease, so that a holder that was terminated
blocks nobody for ever, and carries a fencing token that only grows. Cooldown is kept per rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lumen.names import first_run_of


@dataclass(frozen=True)
class Claim:
    """A wish for a place. ``holder`` identifies the attempt; ``lease`` and ``cooldown`` in seconds."""

    holder: str
    workflow_id: str
    rule: str
    lease: float
    cooldown: float
    capacity: int = 1
    ignore_cooldown: bool = False


@dataclass(frozen=True)
class Place:
    """A place that is held: the claim, its fencing token and the end of its lease."""

    claim: Claim
    token: int
    granted_at: datetime
    lease_until: datetime


@dataclass(frozen=True)
class Answer:
    """What a claim gets: ``granted``, ``waiting`` (then behind ``behind``) or ``cooling`` (then ``until``)."""

    status: str
    token: int = 0
    behind: str = ""
    until: datetime | None = None


@dataclass
class Guard:
    """The whole state; carried through continue-as-new as it is."""

    places: list[Place] = field(default_factory=list)
    waiting: list[Claim] = field(default_factory=list)
    cooling: dict[str, datetime] = field(default_factory=dict)
    next_token: int = 1

    def acquire(self, claim: Claim, now: datetime) -> Answer:
        """Grant a place, queue the claim, or say until when the rule cools. Asking twice gives the same answer.

        Of two claims of one holder the later stands, since another rule may have come to apply: it is what will cool.
        """
        self._give_up_earlier(claim, now)
        for index, place in enumerate(self.places):
            if place.claim.holder == claim.holder:
                self.places[index] = replace(place, claim=claim)
                return Answer("granted", token=place.token)
        until = self.cooling.get(claim.rule)
        if until is not None and until > now and not claim.ignore_cooldown:
            self._forget(claim.holder)
            return Answer("cooling", until=until)
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

        Those are the ones that now hold a place and the ones that wait for nothing, since their rule has begun to cool.
        """
        told = []
        while self.waiting:
            claim = self.waiting[0]
            cooling = not claim.ignore_cooldown and self.cooling.get(claim.rule, now) > now
            if not cooling and len(self.places) >= max(1, claim.capacity):
                break
            self.waiting.pop(0)
            told.append(claim)
            if not cooling:
                lease_until = now + timedelta(seconds=claim.lease)
                self.places.append(Place(claim, self.next_token, now, lease_until))
                self.next_token += 1
        return told

    def release(self, holder: str, *, ran: bool, now: datetime) -> None:
        """Free the place of ``holder`` (or its place in the queue). The rule cools from now on only if something ran."""
        for place in self.places:
            if place.claim.holder == holder and ran:
                self._cool(place.claim, now)
        self.places = [place for place in self.places if place.claim.holder != holder]
        self._forget(holder)

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
        """Forget the cooldown of ``rule``, or of all rules when it is empty; return the rules that were cooling."""
        cleared = [name for name in self.cooling if not rule or name == rule]
        for name in cleared:
            del self.cooling[name]
        return cleared

    def forget_cooled(self, now: datetime) -> None:
        """Drop the cooldowns that are over."""
        self.cooling = {rule: until for rule, until in self.cooling.items() if until > now}

    def next_deadline(self) -> datetime | None:
        """Return when something will next lapse: a lease or a cooldown."""
        moments = [place.lease_until for place in self.places] + list(self.cooling.values())
        return min(moments, default=None)

    @property
    def idle(self) -> bool:
        """Whether nothing is held, awaited or cooling."""
        return not (self.places or self.waiting or self.cooling)

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

    def _cool(self, claim: Claim, now: datetime) -> None:
        if claim.cooldown <= 0:
            return
        until = now + timedelta(seconds=claim.cooldown)
        self.cooling[claim.rule] = max(until, self.cooling.get(claim.rule, until))

    def _forget(self, holder: str) -> None:
        self.waiting = [claim for claim in self.waiting if claim.holder != holder]
