"""What keeps an episode from going on now, read off its document and compared with the rules here. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from cli.alert.standing import what_next
from lumen.outcome import EVALUATED_AGAIN, RETRIED_WHILE_FIRING, Outcome, State
from lumen.plan import Plan
from lumen.standing import Document, items, over, part, turn

if TYPE_CHECKING:
    from rules.explaining import Explanation

_RESTS = {State.COOLING, State.WATCHING}


def blocking(document: Document, found: Explanation, key: str, now: datetime) -> list[str]:
    """Return what an episode waits for and what would let it go on, one sentence a line."""
    lines = what_next(document, key, now)
    if not over(document) and not document.get("stale"):
        lines += _resting(document) if document.get("state") in _RESTS else []
        lines += _asking(document, found) if turn(document) is not None else []
    return [*lines, *_other_rules(document, found)]


def _resting(document: Document) -> Iterator[str]:
    attempts = items(document, "attempts")
    if not attempts:
        return
    last = attempts[-1]
    if last.get("reason"):
        yield f"why it ended {last.get('outcome')}: {last['reason']}"
    outcome = str(last.get("outcome"))
    if outcome == Outcome.UNKNOWN:
        yield "nothing runs again without a new vote of people, even in mode auto"
    elif outcome in RETRIED_WHILE_FIRING:
        yield "after the cooldown it is attempted again if the alert still fires and limits.attempts is not used up"
    elif outcome in EVALUATED_AGAIN:
        yield "after the cooldown it is attempted again as soon as the alert is heard again"
    else:
        yield "it is attempted again only after the alert resolved and fired again, or by an override"


def _asking(document: Document, found: Explanation) -> Iterator[str]:
    approval = part(document, "approval")
    yield f"votes count from rank {approval.get('min_rank')} on"
    if approval.get("next_escalation_at"):
        yield f"more people are asked at {approval['next_escalation_at']}"
    barred = found.plan.approval.barred if isinstance(found.plan, Plan) else ()
    for person in barred:
        yield f"{person} does not vote: they asked for this or own what it is about"


def _other_rules(document: Document, found: Explanation) -> Iterator[str]:
    """Say where the rules here are not those that the worker plans by: the explanation is then one of another plan."""
    planned = str(part(document, "plan").get("digest") or "")
    here = found.plan.digest if isinstance(found.plan, Plan) else ""
    if not planned or planned == here:
        return
    rule, own = str(document.get("rule") or ""), found.rule.name if found.rule else "none"
    what = f'by the rule "{rule}", and here it is "{own}"' if rule != own else "by another version of this rule"
    yield f"the episode was planned {what}: an edit since, or the worker has other rules than this machine"
