"""Where an episode stands and whose turn it is, read off its document (``GET /alerts/{key}``). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cli.ages import left
from lumen.outcome import State
from lumen.standing import Document, Turn, cut_short, over, part, turn


def line_of(found: Turn) -> str:
    """Return what is missing, in one line."""
    stop = f"{found.stops_at} to reject" + (f" ({found.reject} did)" if found.reject else "")
    return f"{found.missing} more to approve ({found.approve} of {found.needed} did), or {stop}"


def state_line(document: Document) -> str:
    """Return the state; a run that was cut short has none any more, whatever it was in when it ended."""
    if cut_short(document):
        return f"{document.get('run_status')} in Temporal (was {document.get('state')})"
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
        return [
            f"it asks for {line_of(found)}; {expires}",
            f"may vote: {who}",
            f"vote with: lumen approve {key} --actor …",
        ]
    if state in {State.COOLING, State.WATCHING}:
        return _resting(document, key, now)
    known = {
        State.PLANNING: "it is being planned",
        State.EXECUTING: _executing(reason),
        State.WAITING_LEDGER: "it waits for the ledger; nothing runs unproven",
        State.BLOCKED: f"it is blocked: {reason}",
    }
    return [known.get(State(state), str(state)) if state in list(State) else "its state is not known yet"]


def _executing(reason: str) -> str:
    if ": no worker serves the runner " in reason:
        return f"it waits: {reason}; see lumen doctor"
    return f"it runs: {reason}" if reason else "it runs"


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
