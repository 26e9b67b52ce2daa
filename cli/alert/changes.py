"""What has changed between two looks at an episode, or at a list of them: one line a change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.alert.outputs import result_line
from cli.alert.plain import vote_line
from cli.alert.rows import plain_cell
from cli.alert.standing import line_of, state_line
from cli.alert.story import decided
from lumen.standing import Document, items, over, part, turn


def changes(before: Document | None, after: Document) -> list[str]:
    """Return what is new in ``after``, in the order in which it is told; all of it where there is no ``before``."""
    known = before or {}
    return [
        *_worker(known, after),
        *_alert(known, after),
        *_request(known, after),
        *_votes(known, after),
        *_attempts(known, after),
        *_state(known, after),
        *_ledger(known, after),
        *_end(known, after),
    ]


def _worker(before: Document, after: Document) -> Iterator[str]:
    if after.get("stale") and not before.get("stale"):
        yield "no worker answers now"
    elif before.get("stale") and not after.get("stale"):
        yield "a worker answers again"


def _alert(before: Document, after: Document) -> Iterator[str]:
    told = [
        f"{name} {after[name]}"
        for name in ("rule", "target", "requested_by")
        if after.get(name) and after.get(name) != before.get(name)
    ]
    if told:
        yield ", ".join(told)
    if before and after.get("status") and before.get("status") and after["status"] != before["status"]:
        yield f"the alert is {after['status']}"
    if before and not after.get("stale") and _number(after, "repeats") > _number(before, "repeats"):
        yield f"heard again, {_number(after, 'repeats') + 1} times now"


def _number(document: Document, name: str) -> int:
    value = document.get(name)
    return value if isinstance(value, int) else 0


def _request(before: Document, after: Document) -> Iterator[str]:
    approval = part(after, "approval")
    if approval.get("id") and approval["id"] != part(before, "approval").get("id"):
        yield f"plan {part(after, 'plan').get('digest')}"
        found = turn(after)
        if found is not None:
            yield f"asks for {line_of(found)}, of {', '.join(found.waits_for)}, until {approval.get('expires_at')}"


def _cast(document: Document) -> dict[tuple[str, str, str], str]:
    """Return every vote that a document tells of, whether its request is open or its attempt has ended."""
    places = [part(part(document, "approval"), "votes")]
    places += [part(attempt, "votes") for attempt in items(document, "attempts")]
    return {
        (side, str(vote.get("actor")), str(vote.get("at"))): f"{side} {vote_line(vote)}"
        for votes in reversed(places)
        for side in ("approve", "reject")
        for vote in items(votes, side)
    }


def _votes(before: Document, after: Document) -> Iterator[str]:
    known = _cast(before)
    yield from (f"vote {line}" for vote, line in sorted(_cast(after).items(), key=_cast_at) if vote not in known)


def _cast_at(cast: tuple[tuple[str, str, str], str]) -> str:
    return cast[0][2]


def _attempts(before: Document, after: Document) -> Iterator[str]:
    known = {attempt.get("n") for attempt in items(before, "attempts")}
    for attempt in items(after, "attempts"):
        if attempt.get("n") in known:
            continue
        if told := decided(attempt):
            yield f"decided {told}"
        yield from (f"ran {result_line(result)}" for result in items(attempt, "results"))
        reason = f": {attempt['reason']}" if attempt.get("reason") else ""
        yield f"attempt {attempt.get('n')} {attempt.get('outcome')}{reason}"


def _state(before: Document, after: Document) -> Iterator[str]:
    seen = [(document.get("state"), document.get("state_reason")) for document in (before, after)]
    if after.get("state") and seen[0] != seen[1]:
        reason = f": {after['state_reason']}" if after.get("state_reason") else ""
        until = after.get("cooldown_until")
        yield f"state {after['state']}{reason}" + (f", until {until}" if until else "")


def _ledger(before: Document, after: Document) -> Iterator[str]:
    known = before.get("proof_ref") or []
    fresh = [str(seq) for seq in after.get("proof_ref") or [] if seq not in known]
    if fresh:
        yield f"ledger {' '.join(fresh)}"


def _end(before: Document, after: Document) -> Iterator[str]:
    if over(after) and not over(before) and after.get("run_status") not in {"completed", "running", None}:
        yield state_line(after)


def row_changes(before: Mapping[str, Mapping[str, Any]] | None, after: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what is new in a list of episodes by key; those that fell off its end are not told."""
    told = []
    for key, row in reversed(list(after.items())):
        state, known = plain_cell(row, "state"), (before or {}).get(key)
        outcome = f" {row['outcome']}" if row.get("outcome") else ""
        if known is None:
            told.append(f"{key} {state}{outcome} {row.get('rule') or row.get('alert') or ''}".rstrip())
        elif (state, row.get("outcome")) != (plain_cell(known, "state"), known.get("outcome")):
            told.append(f"{key} {plain_cell(known, 'state')} -> {state}{outcome}")
    return told
