"""Reads the document of an episode into what a message shows. Every text in it is untrusted and is made harmless here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lumen.display import ELLIPSIS, printable
from lumen.outcome import HUMAN_NEEDED, State
from lumen.records import moment

_ENDED = {State.COOLING, State.WATCHING, State.CLOSED}
_DIGITS = 12  # of a digest: enough to compare by eye
_LONGEST = 4000  # characters of any text that are looked at: more than are shown of any


@dataclass(frozen=True)
class Voter:
    """One vote, as it is shown."""

    actor: str
    channel: str
    reason: str
    at: datetime | None


@dataclass(frozen=True)
class Asked:
    """The open request for approval. ``approve`` and ``reject`` are how many votes it takes, ``allow`` who may cast them."""

    id: str
    pending: bool
    approve: int
    reject: int
    approved: tuple[Voter, ...]
    rejected: tuple[Voter, ...]
    allow: tuple[str, ...]
    allow_left_off: int
    anonymous: bool
    expires_at: datetime | None


@dataclass(frozen=True)
class Step:
    """One action of the plan, rendered; ``text`` is what runs, as one line."""

    name: str
    text: str


@dataclass(frozen=True)
class Result:
    """How one action ended."""

    name: str
    status: str
    reason: str


@dataclass(frozen=True)
class Ended:
    """The last attempt that ended. ``by`` is what decided: ``votes``, ``override``, ``timeout`` or nothing."""

    n: int
    outcome: str
    reason: str
    ended_at: datetime | None
    by: str
    actor: str
    approved: tuple[Voter, ...]
    rejected: tuple[Voter, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Face:
    """What a message shows of an episode. ``digest`` is the plan's, whole; the other texts are printable, in one line each."""

    key: str
    alert: str
    severity: str
    target: str
    rule: str
    state: str
    reason: str
    summary: str
    dry_run: bool
    requested_by: str
    runbook_url: str
    digest: str
    attempt: int
    steps: tuple[Step, ...]
    steps_left_out: bool
    results: tuple[Result, ...]
    asked: Asked | None
    last: Ended | None

    @property
    def waiting(self) -> bool:
        """Whether people can decide now."""
        return self.state == State.AWAITING_APPROVAL and self.asked is not None and self.asked.pending

    @property
    def ended(self) -> bool:
        """Whether nothing runs and nothing is asked: what counts is how the last attempt ended."""
        return self.state in _ENDED and self.last is not None

    @property
    def needs_human(self) -> bool:
        """Whether the last attempt ended in a way that Lumen leaves to people."""
        return self.ended and self.last is not None and self.last.outcome in set(HUMAN_NEEDED)

    @property
    def short_digest(self) -> str:
        """The first digits of the plan's digest."""
        return self.digest.removeprefix("sha256:")[:_DIGITS]


def face_of(document: dict[str, Any]) -> Face:
    """Return what to show of an episode; a part of ``document`` that is missing or of another type shows as nothing."""
    plan, annotations = _object(document.get("plan")), _object(document.get("annotations"))
    ended = [_ended(_object(item)) for item in _list(document.get("attempts"))]
    actions = [_object(item) for item in _list(plan.get("actions"))]
    steps = tuple(Step(_text(item.get("name")), _text(item.get("shown"))) for item in actions)
    state = _text(document.get("state"))
    return Face(
        key=_text(document.get("key")),
        alert=_text(document.get("alert")) or _text(document.get("rule")) or _text(document.get("key")),
        severity=_text(document.get("severity")),
        target=_text(document.get("target")),
        rule=_text(document.get("rule")),
        state=state,
        reason=_text(document.get("state_reason")),
        summary=_text(annotations.get("summary")) or _text(annotations.get("description")),
        dry_run=document.get("dry_run") is True,
        requested_by=_text(document.get("requested_by")),
        runbook_url=web_url(document.get("runbook_url")),
        digest=_text(plan.get("digest")),
        attempt=ended[-1].n if ended and state in _ENDED else _number(document.get("attempt")),
        steps=steps,
        steps_left_out=_number(plan.get("actions_left_off")) > 0 or any(step.text.endswith(ELLIPSIS) for step in steps),
        results=_results(document.get("results")),
        asked=_asked(_object(document.get("approval"))),
        last=ended[-1] if ended else None,
    )


def web_url(value: Any) -> str:
    """Return ``value`` if it is an http or https address without anything that could break out of it, else nothing."""
    if not isinstance(value, str) or not value.isprintable() or any(char in value for char in ' "<>\\^`{|}'):
        return ""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return ""
    # Slack wants the scheme in lower case, and lone surrogates are no text at all.
    return value if usable and value.startswith(("http://", "https://")) and value.isascii() else ""


def utc(at: datetime | None) -> str:
    """Return a moment for people, in UTC and to the minute: no reader has to guess a time zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "?"


def _asked(found: dict[str, Any]) -> Asked | None:
    if not found:
        return None
    required, votes = _object(found.get("required")), _object(found.get("votes"))
    return Asked(
        id=_text(found.get("id")),
        pending=found.get("status") == "pending",
        approve=_number(required.get("approve")),
        reject=_number(required.get("reject")),
        approved=_voters(votes.get("approve")),
        rejected=_voters(votes.get("reject")),
        allow=tuple(map(_text, _list(found.get("allow")))),
        allow_left_off=_number(found.get("allow_left_off")),
        anonymous=found.get("anonymous") is True,
        expires_at=_moment(found.get("expires_at")),
    )


def _ended(found: dict[str, Any]) -> Ended:
    votes, decision = _object(found.get("votes")), _object(found.get("decision"))
    return Ended(
        n=_number(found.get("n")),
        outcome=_text(found.get("outcome")),
        reason=_text(found.get("reason")),
        ended_at=_moment(found.get("ended_at")),
        by=_text(decision.get("by")),
        actor=_text(decision.get("actor")),
        approved=_voters(votes.get("approve")),
        rejected=_voters(votes.get("reject")),
        results=_results(found.get("results")),
    )


def _results(found: Any) -> tuple[Result, ...]:
    return tuple(
        Result(_text(item.get("name")), _text(item.get("status")), _text(item.get("reason")))
        for item in map(_object, _list(found))
    )


def _voters(found: Any) -> tuple[Voter, ...]:
    return tuple(
        Voter(_text(vote.get("actor")), _text(vote.get("channel")), _text(vote.get("reason")), _moment(vote.get("at")))
        for vote in map(_object, _list(found))
    )


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else printable(str(value)[:_LONGEST])


def _number(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1_000_000 else 0


def _moment(value: Any) -> datetime | None:
    named = moment(value) if isinstance(value, str) else None
    # Years at the ends of the calendar cannot be moved into another time zone.
    return named if named and 1970 <= named.year < 9999 else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
