"""Episodes in a list, and which of them wait for one person. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.pages.moments import Clock, When
from lumen.outcome import Outcome, State

_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Row:
    """One episode as a list shows it. ``state`` is ``cut_short`` for one that was ended from outside; "" = not known.

    ``whom``: who may vote, at most a few of them; None = nobody said. ``needs`` is how many votes on either side.
    """

    key: str
    title: str
    rule: str
    target: str
    severity: str
    state: str
    outcome: str
    started: When | None
    deadline: When | None = None
    needs: tuple[int, int] | None = None
    whom: tuple[str, ...] | None = None
    more: int = 0


def row_of(found: dict[str, Any], clock: Clock) -> Row:
    """Return an episode of ``GET /alerts`` for a list."""
    waiting = found.get("waiting") or {}
    allow = waiting.get("allow")
    whom = tuple(str(person) for person in allow) if isinstance(allow, list) else None
    key, target = str(found.get("key") or ""), str(found.get("target") or "")
    rule = str(found.get("rule") or "")
    return Row(
        key=key,
        title=str(found.get("alert") or rule or key),
        rule=rule,
        # Without a target in its rule an episode is its own, and its key stands there already.
        target="" if target == key else target,
        severity=str(found.get("severity") or ""),
        state=_state(found),
        outcome=_one_of(Outcome, found.get("outcome")),
        started=clock.when(found.get("started_at")),
        deadline=clock.left(waiting.get("expires_at")),
        needs=_needs(waiting),
        whom=whom[:_NAMED_AT_MOST] if whom is not None else None,
        more=max(0, len(whom) - _NAMED_AT_MOST) if whom is not None else 0,
    )


def _state(found: dict[str, Any]) -> str:
    status, state = str(found.get("status") or "running"), str(found.get("state") or "")
    if status == "completed":
        return State.CLOSED
    return _one_of(State, state) if status == "running" else "cut_short"


def _one_of(kind: type[State | Outcome], value: object) -> str:
    text = str(value or "")
    return text if text in list(kind) else ""


def _needs(waiting: dict[str, Any]) -> tuple[int, int] | None:
    approve, reject = waiting.get("approve"), waiting.get("reject")
    return (approve, reject) if isinstance(approve, int) and isinstance(reject, int) else None


def split(rows: Sequence[dict[str, Any]], person: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the requests on which ``person`` ("" = nobody) may vote, and the others, each in the order of ``rows``.

    A request with too many people to name them may be anybody's, so it is theirs too.
    """
    mine: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for row in rows:
        waiting = row.get("waiting")
        allow = waiting.get("allow") if isinstance(waiting, dict) else ()
        (mine if person and (allow is None or person in allow) else others).append(row)
    return mine, others
