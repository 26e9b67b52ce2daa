"""One episode as ``name  value`` lines for a pipe or a file: whole values, absolute times, one order for ever. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cli.alert.outputs import output_lines, result_line
from cli.alert.story import decided
from lumen.standing import Document, items, part, turn

_FIRST = (
    "key",
    "status",
    "state",
    "state_reason",
    "outcome",
    "rule",
    "mode",
    "dry_run",
    "target",
    "requested_by",
    "starts_at",
    "repeats",
)


def plain_fields(document: Document) -> Iterator[tuple[str, object]]:
    """Yield the name and value of every line; those without a value are left out by whoever prints them."""
    yield from ((name, document.get(name)) for name in _FIRST)
    if document.get("stale"):
        yield "stale", "no worker answers now: this is what is known without one"
    for name in ("labels", "annotations"):
        for label, value in sorted(part(document, name).items()):
            yield name.removesuffix("s"), f"{label}={value}"
    plan = part(document, "plan")
    yield "plan", plan.get("digest")
    yield "condition", plan.get("condition")
    for action in items(plan, "actions"):
        shown = action.get("shown") or json.dumps(action.get("spec"), ensure_ascii=False)
        yield "action", f"{action.get('name', '')}: {shown}"
    yield from _approval(document)
    for attempt in items(document, "attempts"):
        yield from _attempt(attempt)
    yield "cools until", document.get("cooldown_until")
    yield "ledger", " ".join(str(seq) for seq in document.get("proof_ref") or ())
    yield "workflow", document.get("workflow_id")
    yield "run", document.get("run_id")
    if document.get("open") is False and document.get("run_status") != "completed":
        yield "run ended", document.get("run_status")


def _approval(document: Document) -> Iterator[tuple[str, object]]:
    approval = part(document, "approval")
    if not approval:
        return
    required = part(approval, "required")
    yield "approval", approval.get("id")
    yield "wants", f"{required.get('approve')} to approve or {required.get('reject')} to reject"
    found = turn(document)
    if found is not None:
        yield "missing", found.missing
        for person in found.waits_for:
            yield "waits for", person
    yield "expires", approval.get("expires_at")
    for side, votes in part(approval, "votes").items():
        for vote in votes or ():
            yield side, vote_line(vote)


def vote_line(vote: object) -> str:
    """Return one vote as a line: who, by which channel, when, why."""
    if not isinstance(vote, dict):
        return str(vote)
    return " ".join(str(vote[name]) for name in ("actor", "channel", "at", "reason") if vote.get(name))


def _attempt(attempt: Document) -> Iterator[tuple[str, object]]:
    number = attempt.get("n")
    yield "attempt", " ".join(str(attempt[name]) for name in ("n", "outcome", "reason") if attempt.get(name))
    if told := decided(attempt):
        yield "decided", f"{number} {told}"
    for side in ("approve", "reject"):
        for vote in items(part(attempt, "votes"), side):
            yield "voted", f"{number} {side} {vote_line(vote)}"
    for result in items(attempt, "results"):
        yield "result", f"{number} {result_line(result)}"
        for stream, line in output_lines(result):
            yield stream, f"{number} {line}"
