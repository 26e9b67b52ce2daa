"""One episode for a person at a terminal: what it waits for first, then what it is about, then what has happened. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cli.ages import ago, left, span
from cli.alert.outputs import output_lines, result_line
from cli.alert.standing import line_of, state_line
from cli.layout import Field, Heading, Item
from lumen.records import moment
from lumen.standing import Document, items, part, turn


def story(document: Document, now: datetime) -> list[Item]:
    """Return what to say about an episode at ``now``, in the order in which a person wants to know it."""
    found = [*_standing(document, now), *_plan(document), *_about(document, now)]
    for attempt in items(document, "attempts"):
        found += _attempt(attempt, now)
    return [item for item in [*found, *_references(document)] if isinstance(item, Heading) or item.value]


def _standing(document: Document, now: datetime) -> Iterator[Item]:
    yield Field("key", str(document.get("key") or ""), copy=True)
    if document.get("stale"):
        yield Field("stale", "no worker answers now: this is what is known without one")
    reason = str(document.get("state_reason") or "")
    yield Field("state", state_line(document) + (f": {reason}" if reason else ""))
    yield Field("outcome", str(document.get("outcome") or ""))
    approval = part(document, "approval")
    found = turn(document)
    if found is not None:
        yield Field("needs", line_of(found))
        for person in found.waits_for or ("nobody who may vote is left",):
            yield Field("waits for", person, copy=bool(found.waits_for))
        yield Field("expires", ago(approval.get("expires_at"), now))
    for side in ("approve", "reject"):
        for vote in items(part(approval, "votes"), side):
            yield Field("voted", f"{side} {_vote(vote, now)}")
    if document.get("cooldown_until"):
        yield Field("cools", left(document.get("cooldown_until"), now))


def _vote(vote: dict[str, Any], now: datetime) -> str:
    said = f"{vote.get('actor')} by {vote.get('channel')}, {ago(vote.get('at'), now)}"
    return said + (f": {vote['reason']}" if vote.get("reason") else "")


def _plan(document: Document) -> Iterator[Item]:
    plan = part(document, "plan")
    rule = str(document.get("rule") or "")
    if rule:
        how = str(document.get("mode") or "") + (", dry run: nothing is executed" if document.get("dry_run") else "")
        yield Heading("PLAN")
        yield Field("rule", rule)
        yield Field("mode", how)
    yield Field("target", str(document.get("target") or ""), copy=True)
    yield Field("if", str(plan.get("condition") or ""), copy=True)
    for action in items(plan, "actions"):
        shown = action.get("shown") or json.dumps(action.get("spec"), ensure_ascii=False)
        yield Field("runs", str(action.get("name") or ""))
        yield Field("runs", str(shown), copy=True)
    yield Field("runbook", str(plan.get("runbook_url") or ""), copy=True)
    yield Field("digest", str(plan.get("digest") or ""), copy=True)
    yield Field("approval", str(part(document, "approval").get("id") or ""), copy=True)


def _about(document: Document, now: datetime) -> Iterator[Item]:
    yield Heading("ALERT")
    status, started = str(document.get("status") or ""), ago(document.get("starts_at"), now)
    requested = str(document.get("requested_by") or "")
    said = f"requested by {requested}" if requested else status
    yield Field("status", ", ".join(text for text in (said, started) if text))
    repeats = document.get("repeats")
    if isinstance(repeats, int) and repeats:
        yield Field("heard", f"{repeats + 1} times")
    for name, source in (("label", "labels"), ("note", "annotations")):
        for label, value in sorted(part(document, source).items()):
            yield Field(name, f"{label}={value}")


def _attempt(attempt: dict[str, Any], now: datetime) -> Iterator[Item]:
    began, ended = moment(str(attempt.get("started_at") or "")), moment(str(attempt.get("ended_at") or ""))
    took = f", took {span((ended - began).total_seconds())}" if began and ended else ""
    yield Heading(f"ATTEMPT {attempt.get('n')}: {attempt.get('outcome')}, {ago(attempt.get('ended_at'), now)}{took}")
    yield Field("reason", str(attempt.get("reason") or ""))
    yield Field("decided", decided(attempt))
    for side in ("approve", "reject"):
        for vote in items(part(attempt, "votes"), side):
            yield Field("voted", f"{side} {_vote(vote, now)}")
    for result in items(attempt, "results"):
        yield Field("ran", result_line(result))
        for stream, line in output_lines(result):
            yield Field(stream, line, brief=True)


def decided(attempt: dict[str, Any]) -> str:
    """Return what decided an attempt, in one line."""
    decision = part(attempt, "decision")
    if not decision:
        return ""
    who = f" of {decision['actor']}" if decision.get("actor") else ""
    where = f", ledger {decision['seq']}" if decision.get("seq") is not None else ""
    why = f": {decision['reason']}" if decision.get("reason") else ""
    return f"{decision.get('decision')} by {decision.get('by')}{who}{where}{why}"


def _references(document: Document) -> Iterator[Item]:
    yield Heading("FOUND UNDER")
    yield Field("ledger", " ".join(str(seq) for seq in document.get("proof_ref") or ()))
    yield Field("workflow", str(document.get("workflow_id") or ""), copy=True)
    yield Field("run", str(document.get("run_id") or ""), copy=True)
