"""What has happened in an episode, as its page tells it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from api.edge import Site
from api.pages.asking import Vote, votes_of
from api.pages.moments import Clock, When
from api.ports import Running
from lumen.outcome import ActionStatus, Outcome, State
from lumen.records import moment
from lumen.standing import Document, items, part

_STREAMS = ("stdout", "stderr")
_NUMBERS = (("exit code", "exit_code"), ("signal", "signal"), ("HTTP", "status_code"))
_MOST_OUTPUT = 20_000
_ACTION = "execute"


@dataclass(frozen=True)
class Output:
    """What an action printed on one stream: ``head``, then ``tail`` where something between them was cut."""

    stream: str
    head: str
    tail: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class Result:
    """How one action ended; ``facts`` in a few words."""

    name: str
    status: str
    facts: str
    took: str
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Attempt:
    """One ended attempt."""

    n: int
    outcome: str
    reason: str
    began: When | None
    ended: When | None
    took: str
    votes: tuple[Vote, ...]
    decision: dict[str, str]
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Now:
    """An action that runs now, and the last of what it has printed."""

    name: str
    since: When | None
    outputs: tuple[Output, ...]
    told: bool


def attempts(document: Document, clock: Clock) -> tuple[Attempt, ...]:
    """Return the ended attempts, newest first."""
    return tuple(_attempt(found, clock) for found in reversed(items(document, "attempts")))


def _attempt(found: Document, clock: Clock) -> Attempt:
    began, ended = moment(str(found.get("started_at") or "")), moment(str(found.get("ended_at") or ""))
    outcome, decision, number = str(found.get("outcome") or ""), part(found, "decision"), found.get("n")
    return Attempt(
        n=number if isinstance(number, int) else 0,
        outcome=outcome if outcome in list(Outcome) else "",
        reason=str(found.get("reason") or ""),
        began=clock.when(found.get("started_at")),
        ended=clock.when(found.get("ended_at")),
        took=clock.exact((ended - began).total_seconds()) if began and ended else "",
        votes=votes_of(part(found, "votes"), clock),
        decision={name: str(value) for name, value in decision.items() if value not in (None, "")},
        results=tuple(_result(result, clock) for result in items(found, "results")),
    )


def _result(found: Document, clock: Clock) -> Result:
    detail, seconds = part(found, "detail"), found.get("duration_sec")
    facts = [str(found.get("reason") or "")]
    facts += [f"{name} {detail[field]}" for name, field in _NUMBERS if detail.get(field) is not None]
    status = str(found.get("status") or "")
    return Result(
        name=str(found.get("name") or ""),
        status=status if status in list(ActionStatus) else "unknown",
        facts=", ".join(dict.fromkeys(fact for fact in facts if fact)),
        took=clock.exact(seconds) if isinstance(seconds, int | float) and seconds else "",
        outputs=tuple(output for stream in _STREAMS for output in _output(stream, part(detail, stream))),
    )


def _output(stream: str, captured: Document) -> list[Output]:
    head, tail = _text(captured.get("head")), _text(captured.get("tail"))
    if not head and not tail:
        return []
    size = captured.get("bytes")
    if captured.get("truncated"):
        return [Output(stream, head, tail, size if isinstance(size, int) else 0)]
    return [Output(stream, head + tail)]


def _text(found: object) -> str:
    text = found[:_MOST_OUTPUT] if isinstance(found, str) else ""
    return text.replace("\r\n", "\n").expandtabs(8)


def running(found: Sequence[Running], document: Document, clock: Clock) -> tuple[Now, ...]:
    """Return the actions that run now, by what their workers last said."""
    if document.get("state") not in {State.EXECUTING, State.ROLLING_BACK, State.VERIFYING, None}:
        return ()
    return tuple(_now(one, clock) for one in found if one.activity == _ACTION)


def _now(one: Running, clock: Clock) -> Now:
    told: dict[str, Any] = one.told if isinstance(one.told, dict) else {}
    outputs = [Output(stream, text) for stream in _STREAMS if (text := _text(told.get(stream)))]
    return Now(_text(told.get("action")), clock.when(one.started_at), tuple(outputs), bool(told))


def web_link(found: object) -> str:
    """Return ``found`` if it is an address that a browser may be sent to, else nothing."""
    text = str(found or "")
    try:
        address = urlsplit(text)
    except ValueError:
        return ""
    plain = text.isascii() and not any(char.isspace() or not char.isprintable() for char in text)
    return text if plain and address.scheme in {"http", "https"} and address.hostname else ""


def temporal_link(site: Site, document: Document) -> str:
    """Return the address of the episode's run in the Temporal UI, nothing where a part of it is not known."""
    parts = (site.namespace, document.get("workflow_id"), document.get("run_id"))
    if not site.temporal_ui_url or not all(parts):
        return ""
    namespace, workflow, run = (quote(str(one), safe="") for one in parts)
    return f"{site.temporal_ui_url.rstrip('/')}/namespaces/{namespace}/workflows/{workflow}/{run}/history"
