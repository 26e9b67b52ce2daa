"""What an episode asks of people now, and what the person who looks at it may do about it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.pages.moments import Clock, When
from api.pages.visitors import Visitor
from api.tokens import Scope
from lumen.ballot import OverrideDecision, Rank
from lumen.outcome import Outcome, State
from lumen.overriding import effect_of
from lumen.standing import Document, cut_short, items, over, part, turn

_AFTER_VOTES = frozenset({State.WAITING_LEDGER, State.EXECUTING, State.VERIFYING, State.ROLLING_BACK})

Principal = Callable[[str], str]
"""Returns the person that an actor is: ``Policy.principal``."""


@dataclass(frozen=True)
class Vote:
    """One vote, by its side."""

    side: str
    actor: str
    channel: str
    reason: str
    at: When | None


@dataclass(frozen=True)
class Action:
    """One rendered action. ``shown`` is one line; ``spec`` is what runs, where the line does not say all of it."""

    name: str
    kind: str
    shown: str
    spec: Any


@dataclass(frozen=True)
class Asked:
    """What is asked now. ``why_not`` is the id of the text that says why the visitor may not vote, "" = may."""

    id: str
    digest: str
    tally: dict[str, int]
    votes: tuple[Vote, ...]
    deadline: When | None
    people: tuple[tuple[str, bool, bool], ...]
    why_not: str
    needed_rank: str
    rank: str
    voted: str


def asked(document: Document, visitor: Visitor, principal: Principal, clock: Clock) -> Asked | None:
    """Return what the episode asks now, None where it asks nothing. ``people``: address, is it the visitor, has voted."""
    found = turn(document)
    if found is None:
        return None
    approval = part(document, "approval")
    votes = votes_of(part(approval, "votes"), clock)
    me = principal(visitor.actor) if visitor.actor else ""
    sides = {vote.actor: vote.side for vote in votes}
    allow = approval.get("allow")
    people = [str(person) for person in allow] if isinstance(allow, list) else []
    needed = str(approval.get("min_rank") or "")
    return Asked(
        id=str(approval.get("id") or ""),
        digest=str(part(document, "plan").get("digest") or ""),
        tally={
            "approved": found.approve,
            "approve": found.needed,
            "rejected": found.reject,
            "reject": found.stops_at,
        },
        votes=votes,
        deadline=clock.left(approval.get("expires_at")),
        people=tuple((person, person == me, person in sides) for person in people),
        why_not=_why_not(visitor, me, people, needed),
        needed_rank=needed,
        rank=visitor.rank,
        voted=sides.get(me, "") if me else "",
    )


def _why_not(visitor: Visitor, me: str, people: list[str], needed: str) -> str:
    if Scope.VOTE not in visitor.scopes:
        return "page.why.scope"
    if not me:
        return "page.scope.nobody"
    if me not in people:
        return "page.why.not_allowed"
    return "page.why.rank" if Rank.named(visitor.rank) < Rank.named(needed) else ""


def votes_of(votes: Document, clock: Clock) -> tuple[Vote, ...]:
    """Return the votes of both sides, in the order in which they were cast."""
    found = [
        Vote(
            side,
            str(vote.get("actor") or ""),
            str(vote.get("channel") or ""),
            str(vote.get("reason") or ""),
            clock.when(vote.get("at")),
        )
        for side in ("approve", "reject")
        for vote in items(votes, side)
    ]
    return tuple(sorted(found, key=lambda vote: vote.at.iso if vote.at else ""))


def counted(document: Document, clock: Clock) -> tuple[Vote, ...]:
    """Return the votes of the request that let what runs now run: not while it asks, and not once the attempt has ended."""
    if str(document.get("state") or "") not in _AFTER_VOTES or over(document):
        return ()
    return votes_of(part(part(document, "approval"), "votes"), clock)


def actions(document: Document) -> tuple[Action, ...]:
    """Return the rendered actions of the plan."""
    return tuple(
        Action(
            str(action.get("name") or ""),
            str(action.get("kind") or ""),
            str(action.get("shown") or ""),
            # The line of a command is the command; that of a request has neither its headers nor its body.
            None if action.get("kind") in {"cmd", "proof"} and action.get("shown") else action.get("spec"),
        )
        for action in items(part(document, "plan"), "actions")
    )


def overrides(document: Document, visitor: Visitor) -> tuple[str, ...]:
    """Return the overrides that would change something now, if the visitor may send any."""
    if Scope.OVERRIDE not in visitor.scopes or not visitor.actor or over(document):
        return ()
    state = str(document.get("state") or "") or None
    return tuple(str(decision) for decision in OverrideDecision if effect_of(decision, state).works)


def state_of(document: Document) -> str:
    """Return the state for people: ``cut_short`` for a run that was ended from outside, "" if it is not known."""
    if cut_short(document):
        return "cut_short"
    if document.get("open") is False:
        return State.CLOSED
    state = document.get("state")
    return str(state) if state in list(State) else ""


def outcome_of(document: Document) -> str:
    """Return the outcome of the last ended attempt, "" if there is none."""
    outcome = document.get("outcome")
    return str(outcome) if outcome in list(Outcome) else ""
