"""The life of an episode: its record, and what comes next. Pure; the workflow only carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lumen.alert import REASON, Alert
from lumen.outcome import EVALUATED_AGAIN, RAN, RETRIED_WHILE_FIRING, Outcome
from lumen.plan import HOUR, MINUTE, Plan
from lumen.showing import Board

DEFAULT_COOLDOWN = 10 * MINUTE
DEFAULT_STALE_AFTER = 26 * HOUR
LINGER = 10 * MINUTE
LATE = 2 * MINUTE
"""How long after a resolve the same firing, heard again, is taken for a late delivery and not for a re-fire."""


@dataclass(frozen=True)
class Attempt:
    """One ended pass through the steps. ``results`` holds one object an action; times are aware UTC.

    ``ran``: something began or may have begun. ``approved``: people let it run, by votes or an override. ``decision``
    says what decided, ``votes`` who had voted when its last request closed, by side; both for people to read.
    ``verification`` is what was looked at after the actions and what was found.
    """

    n: int
    outcome: Outcome
    started_at: datetime
    ended_at: datetime
    reason: str = ""
    results: tuple[dict[str, Any], ...] = ()
    ran: bool = False
    approved: bool = False
    decision: dict[str, Any] | None = None
    votes: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    verification: dict[str, Any] | None = None


@dataclass
class Episode:
    """Everything an episode remembers. It is the only state that continue-as-new carries over."""

    alert: Alert | None = None
    attempts: list[Attempt] = field(default_factory=list)
    attempts_ended: int = 0
    ran: int = 0
    plan: Plan | None = None
    repeats: int = 0
    last_heard: datetime | None = None
    last_firing: datetime | None = None
    resolved_at: datetime | None = None
    fired_again: bool = False
    said_exhausted: bool = False
    vote_owed: bool = False
    cooldown_cleared: bool = False
    retry_wanted: bool = False
    still_firing: bool = False
    asked_prometheus: bool = False
    proof_refs: list[int] = field(default_factory=list)
    board: Board = field(default_factory=Board)

    def hear(self, alert: Alert, now: datetime) -> bool:
        """Take in a notification; return whether it changed anything.

        Older never overrides newer, and the same delivery twice counts once. A request cannot resolve.
        """
        if alert.requested and not alert.firing:
            return False
        if self.alert is not None and _is_stale(alert, self.alert):
            self.alert = _asked_by_both(self.alert, alert)
            return False
        known = self.alert is not None
        was_resolved = self.resolved_at is not None
        late = self.resolved_at is not None and now - self.resolved_at <= timedelta(seconds=LATE)
        if late and self.alert is not None and _is_late_duplicate(alert, self.alert):
            self.repeats += 1
            return False
        if self.alert is not None and alert.requested and (reason := self.alert.annotations.get(REASON)):
            # Asked again without a reason, it is still the first reason that people vote on.
            alert = replace(alert, annotations={REASON: reason, **alert.annotations})
        self.alert = _asked_by_both(alert, self.alert)
        self.last_heard = now
        if not alert.firing:
            self.resolved_at = self.resolved_at or now
            return True
        self.repeats += int(known)
        self.last_firing = now
        self.resolved_at = None
        if was_resolved:
            self.fired_again = True
        return True

    def end_attempt(self, attempt: Attempt) -> None:
        """Append an ended attempt; what was remembered for the choice of this attempt starts anew."""
        self.attempts = [*self.attempts, attempt][-KEPT_ATTEMPTS:]
        self.attempts_ended = attempt.n
        self.ran += int(attempt.outcome in RAN)
        if attempt.outcome is Outcome.UNKNOWN:
            self.vote_owed = True
        elif attempt.approved:
            self.vote_owed = False
        # The end of an attempt may wait long for the ledger; what fired again meanwhile came after the attempt.
        self.fired_again = self.fired_again and self.last_firing is not None and self.last_firing > attempt.ended_at
        if self.retry_wanted:
            self.said_exhausted = False  # a human took it up again, so a human is told again
        self.retry_wanted = False
        self.cooldown_cleared = False
        self.still_firing = False
        self.asked_prometheus = False

    @property
    def requested(self) -> bool:
        """Whether a person asked for this episode."""
        return self.alert is not None and self.alert.requested

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the last ended attempt."""
        return self.attempts[-1].outcome if self.attempts else None


def _asked_by_both(alert: Alert, other: Alert | None) -> Alert:
    """Return ``alert``, which everybody asked for who asked for either: no later request lets an earlier requester vote."""
    if other is None:
        return alert
    everybody = dict.fromkeys((*alert.requesters, *other.requesters))
    return replace(alert, asked_before=tuple(person for person in everybody if person != alert.requester))


def _is_stale(alert: Alert, known: Alert) -> bool:
    received, before = _received(alert), _received(known)
    return alert.status == known.status if received == before else received < before


def _received(alert: Alert) -> datetime:
    """Return when ``alert`` was received. Without a zone, as only somebody types it who signals Temporal, it is UTC."""
    return alert.received_at if alert.received_at.tzinfo else alert.received_at.replace(tzinfo=UTC)


def _is_late_duplicate(alert: Alert, resolved: Alert) -> bool:
    """Return whether ``alert`` repeats, late, the firing that has been resolved since.

    A clustered Alertmanager may deliver the same firing after a peer has delivered its resolve. A true re-fire has a
    later ``startsAt``; where either cannot be read, it counts as a re-fire, since a missed alert is worse than a repeat.
    """
    started, ended = _moment(alert.starts_at), _moment(resolved.starts_at)
    return alert.firing and started is not None and ended is not None and started <= ended


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


KEPT_ATTEMPTS = 50
"""Attempts kept in the state; more can only come from a rule that is evaluated again for days, all are in the ledger."""


@dataclass(frozen=True)
class EpisodeStart:
    """The argument of ``AlertWorkflow``; ``carry`` is set by continue-as-new only. The first alert comes as a signal."""

    key: str
    carry: Episode | None = None


@dataclass(frozen=True)
class Next:
    """What comes next: ``attempt``, ``cool``, ``watch``, ``ask_prometheus``, ``exhausted`` or ``close``.

    ``until`` is when to look again if nothing is heard. ``needs_vote``: the attempt asks even in ``auto`` mode.
    """

    step: str
    until: datetime | None = None
    needs_vote: bool = False


def next_step(episode: Episode, now: datetime) -> Next:
    """Return what an episode does at ``now``, after at least one attempt has ended."""
    last = episode.attempts[-1]
    if episode.retry_wanted:
        return Next("attempt", needs_vote=episode.vote_owed)
    cool_until = last.ended_at if episode.cooldown_cleared else last.ended_at + timedelta(seconds=cooldown_of(episode))
    if now < cool_until:
        return Next("cool", until=cool_until)
    if episode.requested:
        return _after_request(episode, last, cool_until)
    if episode.resolved_at is not None:
        linger_until = max(cool_until, episode.resolved_at + timedelta(seconds=LINGER))
        return Next("close") if now >= linger_until else Next("watch", until=linger_until)
    stale_at = (episode.last_heard or last.ended_at) + timedelta(seconds=stale_after_of(episode))
    if _wants_attempt(episode, last):
        if episode.ran < attempts_of(episode):
            return Next("attempt", needs_vote=episode.vote_owed)
        if not episode.said_exhausted:
            return Next("exhausted")
    elif _should_ask_prometheus(episode, last):
        return Next("ask_prometheus")
    return Next("close") if now >= stale_at else Next("watch", until=stale_at)


def _after_request(episode: Episode, last: Attempt, cool_until: datetime) -> Next:
    """Return what follows the cooldown of a requested episode: it is over, unless somebody asked again since.

    Nothing fires, so there is nothing to watch and nobody to ask. The start of the attempt is compared too, so that the
    request which began it is never taken for a later one, however short attempt and cooldown are.
    """
    asked = episode.last_firing
    again = asked is not None and asked >= cool_until and asked > last.started_at
    return Next("attempt", needs_vote=episode.vote_owed) if again else Next("close")


def _wants_attempt(episode: Episode, last: Attempt) -> bool:
    heard = episode.last_firing is not None and episode.last_firing > last.ended_at
    if last.outcome in RETRIED_WHILE_FIRING or last.outcome is Outcome.UNKNOWN:
        return heard or episode.still_firing
    if last.outcome in EVALUATED_AGAIN:
        return heard
    return episode.fired_again


def _should_ask_prometheus(episode: Episode, last: Attempt) -> bool:
    retried = last.outcome in RETRIED_WHILE_FIRING or last.outcome is Outcome.UNKNOWN
    return retried and not episode.asked_prometheus and not episode.said_exhausted


def cooldown_of(episode: Episode) -> float:
    """Return the cooldown of the episode in seconds."""
    return episode.plan.cooldown if episode.plan else DEFAULT_COOLDOWN


def stale_after_of(episode: Episode) -> float:
    """Return after how many seconds of silence the episode closes."""
    return episode.plan.limits.stale_after if episode.plan else DEFAULT_STALE_AFTER


def attempts_of(episode: Episode) -> int:
    """Return how many attempts may run something in this episode."""
    return episode.plan.limits.attempts if episode.plan else 1
