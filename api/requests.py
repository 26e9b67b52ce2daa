"""A person asks for a rule to run: from the body to an alert of the source ``request``, and on the way of every alert."""

from __future__ import annotations

from typing import Any

from api.ballots import actor_of
from api.edge import Edge
from api.errors import PayloadError
from api.intakes.protocol import Notification
from api.intakes.skeleton import check_size, text, texts
from api.reception import Matched
from api.tokens import Caller
from lumen.ballot import read_actor
from lumen.display import printable, truncate
from rules.model import RuleSet
from rules.requesting import Wish, alert_for

_REASON_LIMIT = 2000
_FIELDS = ("rule", "target", "labels", "annotations", "actor", "reason")
_ANSWERED = ("key", "workflow_id", "rule", "result")


async def request_run(edge: Edge, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Start the rule that ``body`` asks for and return the answer: ``key, workflow_id, rule, result``.

    Raises:
        AlertError, BallotError, PayloadError, Problem: the body cannot be used, or its person is not the token's.
        UnknownRuleError, IncompleteRequestError, OtherRuleError: the rule cannot be run like this.
        UnreachableError: Temporal did not take it; repeating the request is harmless.

    """
    ruleset = edge.rules()
    wish = _wish(body, caller, ruleset)
    alert = alert_for(wish, ruleset, edge.now())
    check_size(alert)
    notification = Notification(alert.source, (alert,))
    [entry] = await edge.reception.commit(notification, [Matched(0, alert, wish.rule)])
    return {name: entry[name] for name in _ANSWERED}


def _wish(body: dict[str, Any], caller: Caller, ruleset: RuleSet) -> Wish:
    # What is not understood is not left out: it may have been meant to keep the rule from running, such as "dry_run".
    if unknown := [name for name in body if name not in _FIELDS]:
        shown = truncate(printable(unknown[0]), 80)
        raise PayloadError(f'"{shown}" is no field of a request: there are {", ".join(_FIELDS)}')
    rule = text(body, "rule")
    if not rule:
        raise PayloadError('"rule" is missing: name the rule to run')
    reason = text(body, "reason")
    if len(reason) > _REASON_LIMIT:
        raise PayloadError(f'"reason" is longer than {_REASON_LIMIT} characters')
    actor = read_actor(actor_of(body.get("actor"), caller))
    return Wish(
        rule=rule,
        actor=ruleset.policy.principal(actor),
        target=text(body, "target"),
        labels=texts(body, "labels", "label"),
        annotations=texts(body, "annotations", "annotation"),
        reason=reason,
    )
