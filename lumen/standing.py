"""Reading the document of an episode (``GET /alerts/{key}``), which may be incomplete: whose turn is it, is it over? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lumen.outcome import State

Document = dict[str, Any]


def part(document: Document, name: str) -> Document:
    """Return the object under ``name``, empty if there is none."""
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def items(document: Document, name: str) -> list[Document]:
    """Return the objects in the list under ``name``."""
    found = document.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


@dataclass(frozen=True)
class Turn:
    """Who still has to vote: ``approve`` of ``needed`` are in, so ``missing`` more of ``waits_for`` are needed."""

    approve: int
    needed: int
    reject: int
    stops_at: int
    waits_for: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many more people must approve."""
        return max(0, self.needed - self.approve)


def turn(document: Document) -> Turn | None:
    """Return whose turn it is, None where nobody is asked now."""
    approval = part(document, "approval")
    if document.get("state") != State.AWAITING_APPROVAL or not approval or over(document):
        return None
    required, votes = part(approval, "required"), part(approval, "votes")
    approve, reject = items(votes, "approve"), items(votes, "reject")
    voted = {str(vote.get("actor")) for vote in (*approve, *reject)}
    allow = approval.get("allow")
    waits_for = tuple(str(person) for person in allow if str(person) not in voted) if isinstance(allow, list) else ()
    return Turn(len(approve), _count(required, "approve"), len(reject), _count(required, "reject"), waits_for)


def _count(required: Document, side: str) -> int:
    value = required.get(side)
    return value if isinstance(value, int) else 1


def over(document: Document) -> bool:
    """Whether the episode has ended, by itself or cut short in Temporal."""
    return document.get("state") == State.CLOSED or document.get("open") is False


def cut_short(document: Document) -> bool:
    """Whether the run was ended from outside, so that it has no state any more, whatever it was in when it ended."""
    return document.get("open") is False and document.get("run_status") not in {None, "", "completed"}
