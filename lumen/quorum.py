"""Counting votes: one person, one vote; votes lapse; zero approvers is a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lumen.ballot import Decision
from lumen.plan import Approval


@dataclass(frozen=True)
class Vote:
    """One counted vote. ``actor`` is the person (e-mail address), whatever the channel; ``at`` is aware UTC."""

    actor: str
    decision: str
    channel: str
    rank: str
    at: datetime
    reason: str = ""
    id: str = ""


@dataclass(frozen=True)
class Tally:
    """The votes that count at one moment and what they amount to: ``pending``, ``approved`` or ``rejected``."""

    status: str
    approve: tuple[Vote, ...]
    reject: tuple[Vote, ...]


@dataclass
class VoteBox:
    """The votes on one request for approval, at most one a person. ``seen`` holds person and id of all that were cast."""

    votes: dict[str, Vote] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def cast(self, vote: Vote) -> bool:
        """Put in ``vote``; return whether it is that person's first or changed their decision.

        It replaces an earlier one of the same person unless that one is newer. In which order votes arrive, and how often
        each, makes no difference: a vote that was cast before is ignored, whatever came since, and of two of the same
        moment the no stands.
        """
        if vote.id and (vote.actor, vote.id) in self.seen:
            return False
        self.seen.add((vote.actor, vote.id))
        earlier = self.votes.get(vote.actor)
        if earlier is not None and _weight(vote) < _weight(earlier):
            return False
        self.votes[vote.actor] = vote
        return earlier is None or earlier.decision != vote.decision

    def counted(self, vote_id: str) -> bool:
        """Return whether the vote with this id is in the box (a repeated delivery)."""
        return bool(vote_id) and any(vote.id == vote_id for vote in self.votes.values())

    def tally(self, approval: Approval, now: datetime) -> Tally:
        """Count the votes not older than the window at ``now``. Reject is looked at first: a no outweighs a yes."""
        oldest = now - timedelta(seconds=approval.window)
        alive = sorted(
            (vote for vote in self.votes.values() if vote.at > oldest), key=lambda vote: (vote.at, vote.actor)
        )
        approve = tuple(vote for vote in alive if vote.decision == Decision.APPROVE)
        reject = tuple(vote for vote in alive if vote.decision == Decision.REJECT)
        status = "pending"
        if len(reject) >= max(1, approval.reject):
            status = "rejected"
        elif len(approve) >= max(1, approval.approve):
            status = "approved"
        return Tally(status, approve, reject)

    def decision(self, approval: Approval) -> Tally:
        """Return what the votes amount to, each seen at the moment of the newest: when a quorum was reached it stands.

        A worker that was away counts votes late; what had been decided by then must not lapse for that.
        """
        newest = max((vote.at for vote in self.votes.values()), default=None)
        return Tally("pending", (), ()) if newest is None else self.tally(approval, newest)


def _weight(vote: Vote) -> tuple[datetime, bool, str]:
    return vote.at, vote.decision == Decision.REJECT, vote.id


def decided_at(tally: Tally) -> datetime:
    """Return when ``tally`` was decided: the time of the newest vote on the winning side."""
    side = tally.approve if tally.status == "approved" else tally.reject
    return max(vote.at for vote in side)
