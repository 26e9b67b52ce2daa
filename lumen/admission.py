"""Whether the vote of one person counts: who may vote, and how well the voter must be known. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lumen.ballot import Rank
from lumen.links import ANONYMOUS

_LINK = "link"


@dataclass(frozen=True)
class Electorate:
    """Who may vote on one request at one moment. ``barred`` would be in ``allow`` if they did not own what it is about.

    ``requesters`` asked for it. ``anonymous``: links without a name may vote.
    """

    allow: tuple[str, ...] = ()
    min_rank: str = "link"
    anonymous: bool = False
    barred: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objection:
    """Why a vote does not count: ``reason`` is one of ``BallotError``, ``message`` a sentence for the voter."""

    reason: str
    message: str


def objection(actor: str, channel: str, rank: str, voters: Electorate) -> Objection | None:
    """Return what speaks against the vote of ``actor``, who came by ``channel`` and is known by ``rank``; None: it counts."""
    if actor == ANONYMOUS:
        # Only a link proves that somebody was given it; anybody can type the word.
        if channel != _LINK or not voters.anonymous:
            text = "this vote has no name: sign in and vote again, or ask for a link of your own"
            return Objection("not_allowed", text)
    elif actor not in voters.allow:
        return Objection("not_allowed", f"{actor} {_why_not(actor, voters)}")
    if Rank.named(rank) < Rank.named(voters.min_rank):
        text = f"this rule takes votes of rank {voters.min_rank} and up; this one came as {rank}"
        return Objection("rank_too_low", text)
    return None


def _why_not(actor: str, voters: Electorate) -> str:
    if actor in voters.requesters:
        return "asked for this, and so does not vote on it"
    if actor in voters.barred:
        return "owns what this is about, and so does not vote on it"
    return "may not decide about this rule"
