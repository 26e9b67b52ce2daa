"""Where an episode stands and whose turn it is, read off its document (``GET /alerts/{key}``). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.ages import left
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

    @property
    def line(self) -> str:
        """What is missing, in one line."""
        stop = f"{self.stops_at} to reject" + (f" ({self.reject} did)" if self.reject else "")
        return f"{self.missing} more to approve ({self.approve} of {self.needed} did), or {stop}"


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


def state_line(document: Document) -> str:
    """Return the state; a run that was cut short has none any more, whatever it was in when it ended."""
    how = str(document.get("run_status") or "")
    if document.get("open") is False and how not in {"", "completed"}:
        return f"{how} in Temporal (was {document.get('state')})"
    return str(document.get("state") or "unknown")


def what_next(document: Document, key: str, now: datetime) -> list[str]:
    """Return what happens next and what a person can do about it, one sentence a line."""
    state, reason = document.get("state"), str(document.get("state_reason") or "")
    if document.get("stale"):
        return ["no worker answers now; it goes on when one does"]
    if over(document):
        return [f"it is over: {document.get('outcome') or state_line(document)}"]
    found = turn(document)
    if found is not None:
        who = ", ".join(found.waits_for) or "nobody who may vote is left"
        expires = left(part(document, "approval").get("expires_at"), now)
        return [f"it asks for {found.line}; {expires}", f"may vote: {who}", f"vote with: lumen approve {key} --actor …"]
    if state in {State.COOLING, State.WATCHING}:
        return _resting(document, key, now)
    known = {
        State.PLANNING: "it is being planned",
        State.EXECUTING: f"it runs: {reason}" if reason else "it runs",
        State.WAITING_LEDGER: "it waits for the ledger; nothing runs unproven",
        State.BLOCKED: f"it is blocked: {reason}",
    }
    return [known.get(State(state), str(state)) if state in list(State) else "its state is not known yet"]


def _resting(document: Document, key: str, now: datetime) -> list[str]:
    ended = f"the attempt ended: {document.get('outcome')}"
    until = document.get("cooldown_until")
    cools = f"; it cools, {left(until, now)}" if until and document.get("state") == State.COOLING else ""
    return [f"{ended}{cools}", f"start another attempt with: lumen override {key} retry --reason …"]


def waits(document: Document, now: datetime) -> str:
    """Return in a few words what a list says about an episode beyond its state."""
    found = turn(document)
    if found is not None:
        expires = left(part(document, "approval").get("expires_at"), now)
        who = ", ".join(short(found.waits_for)) or "nobody who may vote"
        return f"{expires}, {found.missing} more of {who}"
    reason = str(document.get("state_reason") or "")
    if document.get("state") == State.COOLING and document.get("cooldown_until"):
        return left(document.get("cooldown_until"), now)
    return reason


def short(people: Sequence[str]) -> list[str]:
    """Return addresses without their domain where all have the same, so that a short line holds more of them."""
    domains = {person.rpartition("@")[2] for person in people}
    local = [person.rpartition("@")[0] for person in people]
    return local if len(domains) == 1 and all(local) else list(people)
