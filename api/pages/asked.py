"""What a link asks about: the episode as it stands now, if it still asks what the link was made for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.edge import Edge
from api.errors import EpisodeClosedError, UnknownEpisodeError
from api.pages.visitors import Visitor
from api.routes.alerts import document_of
from api.tokens import Scope
from lumen.ballot import Rank
from lumen.errors import BallotError
from lumen.links import Link, check_fresh, read_link
from lumen.outcome import State

_CLOSED = "this request for approval is closed: ask for a new link if the episode asks anew"


def link_in(tokens: Sequence[object], edge: Edge) -> Link:
    """Return the link in the only one of ``tokens``.

    Raises:
        BallotError: ``forged``, also when there is no token or more than one; ``expired``.

    """
    token = tokens[0] if len(tokens) == 1 else None
    link = read_link(token if isinstance(token, str) else "", edge.bridge_keys)
    check_fresh(link, edge.now().timestamp())
    return link


async def asked(edge: Edge, link: Link) -> dict[str, Any]:
    """Return the document of the episode that asks what ``link`` was made for; ``stale`` where no worker answers.

    Raises:
        BallotError: ``plan_changed``.
        EpisodeClosedError: it asks something else now, or nothing.
        UnreachableError: Temporal does not answer.

    """
    try:
        document = await document_of(edge.episodes, link.key)
    except UnknownEpisodeError:
        raise EpisodeClosedError(_CLOSED) from None
    if document.get("stale"):
        if not document.get("open") or document.get("state") not in {None, State.AWAITING_APPROVAL}:
            raise EpisodeClosedError(_CLOSED)
        return document
    approval, plan = document.get("approval"), document.get("plan")
    if document.get("state") != State.AWAITING_APPROVAL or not approval or approval["id"] != link.approval_id:
        raise EpisodeClosedError(_CLOSED)
    if not plan or plan["digest"] != link.digest:
        raise BallotError("plan_changed", "the plan changed since this link was made: the next message has a new one")
    return document


def speaker(edge: Edge, link: Link, visitor: Visitor | None) -> tuple[str, str]:
    """Return who decides by ``link`` and with which rank; no actor if it names nobody and nobody who may vote is signed in."""
    if link.actor:
        same = visitor is not None and _person(edge, visitor.actor) == _person(edge, link.actor)
        return link.actor, _better(visitor.rank) if visitor and same else "link"
    if visitor is None or not visitor.actor or Scope.VOTE not in visitor.scopes:
        return "", "link"
    # Who named themself to a token of nobody is not known any better for holding a link of nobody.
    return visitor.actor, visitor.rank if Rank.named(visitor.rank) is Rank.SIGNAL else _better(visitor.rank)


def _person(edge: Edge, actor: str) -> str:
    return edge.rules().policy.principal(actor)


def _better(rank: str) -> str:
    return rank if Rank.named(rank) > Rank.LINK else "link"
