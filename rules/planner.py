"""From an alert and its rule to the plan: every placeholder filled, approval resolved, sealed by a digest."""

from __future__ import annotations

import re

from lumen.alert import Alert
from lumen.display import printable, truncate
from lumen.errors import RenderError
from lumen.plan import Approval, Mode, Plan, PlannedAction, Refusal, Verification
from rules.aftercare import RESOLVED, render_check, render_rollback, render_verify
from rules.approvals import approves_itself, impossible, overlaid, owners_of, resolved, without
from rules.kinds import KINDS
from rules.language.patterns import matches
from rules.language.placeholders import fill
from rules.language.promql import render_condition
from rules.model import ActionTemplate, Policy, Rule, RuleSet

DEFAULT_PATTERN = r"[^\x00-\x1f\x7f]{1,256}"
_DEFAULT = re.compile(DEFAULT_PATTERN)  # one character class with a bound: linear in any engine
_SHOWN = 80  # bytes of a refused value that its refusal shows
_TARGET_LIMIT = 512


def plan_for(alert: Alert, rule: Rule, ruleset: RuleSet) -> Plan | Refusal:
    """Return what ``rule`` would do about ``alert``, or why it can do nothing: a sentence for a person."""
    made = draft_for(alert, rule, ruleset)
    return made.sealed(ruleset.digest) if isinstance(made, Plan) else made


def draft_for(alert: Alert, rule: Rule, ruleset: RuleSet) -> Plan | Refusal:
    """Return the same without its digests: for whoever compares many plans and acts on none."""
    try:
        return _plan(alert, rule, ruleset)
    except RenderError as wrong:
        return Refusal(rule.name, f'rule "{rule.name}": {wrong}', ruleset.digest)


def _plan(alert: Alert, rule: Rule, ruleset: RuleSet) -> Plan:
    values = Values(alert, rule)
    approval = resolved(ruleset.policy, alert.severity, rule.approval)
    owners = owners_of(ruleset.policy, alert.severity, rule.approval, alert.labels)
    approval = without(approval, {*_requesters(alert, ruleset.policy), *owners})
    if rule.mode is Mode.APPROVE and (wrong := impossible(approval)) is not None:
        asking = " and ".join(printable(person) for person in alert.requesters)
        asked = f"{asking} asked, and so does not vote; " if asking else ""
        owning = [printable(person) for person in owners if person in approval.barred]
        owned = f"{' and '.join(owning)} owns this (owner_label), and so does not vote; " if owning else ""
        raise RenderError(f'{asked}{owned}severity "{printable(alert.severity)}": {wrong[1]}: {wrong[2]}')
    if approves_itself(approval, alert.severity):
        raise RenderError(
            "on_timeout: approve is never allowed for critical alerts: write reject, or exclude them by match"
        )
    return Plan(
        rule=rule.name,
        mode=rule.mode,
        dry_run=rule.dry_run or rule.mode is Mode.SHADOW,
        target=_target(alert, rule, values),
        severity=alert.severity,
        condition=render_condition(rule.when, values),
        actions=tuple(_action(template, values) for template in rule.actions),
        approval=approval,
        cooldown=rule.cooldown,
        limits=rule.limits,
        runbook_url=rule.runbook_url,
        has_target=bool(rule.target),
        verify=_verify(alert, rule, values),
        rollback_approval=_rollback_approval(alert, rule, ruleset.policy, owners),
    )


def _requesters(alert: Alert, policy: Policy) -> set[str]:
    """Return everybody who asked for this, by every name that a vote may come under."""
    return {name for person in alert.requesters for name in (person, policy.principal(person))}


class Values:
    """The values of placeholders for one alert; calling it with a name (``labels.instance``) gives the value.

    Raises ``RenderError`` if the alert does not have it or it does not match its pattern. A NUL and half a surrogate
    pair are never let through, whatever the pattern: neither can be an argument of a program.
    """

    def __init__(self, alert: Alert, rule: Rule) -> None:
        """Take the values from ``alert`` and their patterns from ``rule``."""
        self._sources = {"labels": alert.labels, "annotations": alert.annotations}
        self._params = {param.placeholder: param for param in rule.params}

    def __call__(self, name: str) -> str:
        """Return the value of placeholder ``name``."""
        kind, _, key = name.partition(".")
        value = self._sources[kind].get(key)
        shown = printable(name)
        if value is None:
            raise RenderError(f"this alert has no {kind.removesuffix('s')} for {{{shown}}}")
        if "\x00" in value or any(0xD800 <= ord(char) <= 0xDFFF for char in value):
            raise RenderError(f"the value of {{{shown}}} holds a NUL or half a surrogate pair")
        param = self._params.get(name)
        if not (matches(param.pattern, value) if param else _fits_by_default(value)):
            pattern = param.source if param else f'{DEFAULT_PATTERN} without a leading "-"'
            seen = truncate(printable(value), _SHOWN)
            raise RenderError(f'the value "{seen}" of {{{shown}}} does not match its pattern {printable(pattern)}')
        return value


def _fits_by_default(value: str) -> bool:
    return bool(_DEFAULT.fullmatch(value)) and not value.startswith("-")


def _target(alert: Alert, rule: Rule, values: Values) -> str:
    if not rule.target:
        return alert.key
    target = fill(rule.target, values)
    if len(target) > _TARGET_LIMIT:
        raise RenderError(f"the target is longer than {_TARGET_LIMIT} characters")
    return target


def _verify(alert: Alert, rule: Rule, values: Values) -> Verification | None:
    if rule.verify is not None and rule.verify.kind == RESOLVED and alert.requested:
        raise RenderError("verify: resolved waits for an alert, and nothing fires in a run that a person asked for")
    try:
        return render_verify(rule.verify, values)
    except RenderError as wrong:
        raise RenderError(f"verify: {wrong}") from None


def _rollback_approval(alert: Alert, rule: Rule, policy: Policy, owners: tuple[str, ...]) -> Approval | None:
    if rule.rollback_approval is None:
        return None
    approval = resolved(policy, alert.severity, overlaid(rule.approval, rule.rollback_approval))
    approval = without(approval, {*_requesters(alert, policy), *owners})
    if (wrong := impossible(approval)) is not None:
        raise RenderError(f"rollback: {wrong[1]}: {wrong[2]}")
    return approval


def _action(template: ActionTemplate, values: Values) -> PlannedAction:
    try:
        spec = KINDS[template.kind].render(template.spec, values)
        check, rollback = render_check(template.check, values), render_rollback(template.rollback, values)
    except RenderError as wrong:
        raise RenderError(f'action "{template.name}": {wrong}') from None
    return PlannedAction(
        name=template.name,
        kind=template.kind,
        spec=spec,
        timeout=template.timeout,
        attempts=template.attempts,
        backoff=template.backoff,
        idempotent=template.idempotent,
        runner=template.runner,
        check=check,
        rollback=rollback,
    )
