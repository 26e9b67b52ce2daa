"""A person asks for a rule: the alert that would select exactly this rule, or what is missing for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from lumen.alert import REASON, REQUESTED_BY, SOURCE_REQUEST, Alert, fingerprint
from lumen.display import printable, truncate
from lumen.errors import IncompleteRequestError, OtherRuleError, UnknownRuleError
from lumen.plan import Refusal
from lumen.records import rfc3339
from rules.language.matchers import Matcher
from rules.language.placeholders import fill, names, strings_in
from rules.match import rule_for
from rules.model import Rule, RuleSet
from rules.planner import plan_for

_NAME = "alertname"
_NEAREST = 3
_KNOWN_SHOWN = 10


@dataclass(frozen=True)
class Wish:
    """What a person asks for. ``target`` stands for the label that is the rule's whole ``target``; "" = not given."""

    rule: str
    actor: str
    target: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def alert_for(wish: Wish, ruleset: RuleSet, now: datetime) -> Alert:
    """Return the alert by which ``wish`` becomes an episode of its rule; ``now`` is when it was asked.

    Raises:
        UnknownRuleError: there is no such rule.
        IncompleteRequestError: labels or annotations are missing, or do not fit the rule.
        OtherRuleError: the same labels fall under a rule that comes first.

    """
    rule = next((rule for rule in ruleset.rules if rule.name == wish.rule), None)
    if rule is None:
        raise UnknownRuleError(_unknown(wish.rule, [rule.name for rule in ruleset.rules]))
    alert = _alert(rule, wish, now)
    problems = [*_mismatches(rule, alert), *_missing(rule, alert), *_target_problems(rule, wish, alert)]
    if problems:
        # The same label may be wanted for several reasons.
        text = "; ".join(dict.fromkeys(problems))
        raise IncompleteRequestError(f'rule "{printable(rule.name)}" cannot be run like this: {text}')
    first = rule_for(alert, ruleset)
    if first is not rule:
        other = printable(first.name) if first else "none"
        raise OtherRuleError(
            f'these labels fall under the rule "{other}", which stands before "{printable(rule.name)}" and matches first: '
            "give labels that only this rule matches, or run that one"
        )
    plan = plan_for(alert, rule, ruleset)
    if isinstance(plan, Refusal):
        raise IncompleteRequestError(plan.reason)
    return alert


def _alert(rule: Rule, wish: Wish, now: datetime) -> Alert:
    labels = {matcher.name: matcher.value for matcher in rule.matchers if matcher.operator == "=" and matcher.value}
    labels.setdefault(_NAME, rule.alert or rule.name)
    target = _target_label(rule)
    if target and wish.target:
        labels[target] = wish.target
    if target and wish.target and wish.labels.get(target, wish.target) != wish.target:
        raise IncompleteRequestError(f"--target and -l {printable(target)}=… say different things: give one of them")
    if REQUESTED_BY in wish.labels or REASON in wish.annotations:
        raise IncompleteRequestError(
            f"the label {REQUESTED_BY} and the annotation {REASON} are filled in: leave them out"
        )
    labels |= {name: value for name, value in wish.labels.items() if value} | {REQUESTED_BY: wish.actor}
    return Alert(
        source=SOURCE_REQUEST,
        fingerprint=fingerprint(labels),
        labels=labels,
        received_at=now,
        annotations=wish.annotations | ({REASON: wish.reason} if wish.reason else {}),
        starts_at=rfc3339(now),
    )


def _target_label(rule: Rule) -> str:
    """Return the label that is the whole target of ``rule``, or nothing."""
    found = names(rule.target)
    if len(found) != 1 or rule.target != f"{{{found[0]}}}" or not found[0].startswith("labels."):
        return ""
    return found[0].removeprefix("labels.")


def _mismatches(rule: Rule, alert: Alert) -> Iterator[str]:
    if rule.alert and alert.name != rule.alert:
        yield f"it is for the alert {printable(rule.alert)}: leave -l {_NAME} out"
    for matcher in rule.matchers:
        if not matcher.holds(alert.labels):
            yield _mismatch(matcher, alert)


def _mismatch(matcher: Matcher, alert: Alert) -> str:
    name = printable(matcher.name)
    wanted = f'{name}{matcher.operator}"{printable(matcher.value)}"'
    if matcher.name == REQUESTED_BY:
        return f"its match {wanted} does not take this request"
    if matcher.name == _NAME or matcher.name not in alert.labels:
        return f"give -l {name}=… that fits its match {wanted}"
    value = truncate(printable(alert.labels[matcher.name]), 80)
    return f'"{value}" does not fit its match {wanted}: give another -l {name}=…, or none'


def _missing(rule: Rule, alert: Alert) -> Iterator[str]:
    target = _target_label(rule)
    for where, name in _placeholders(rule):
        kind, _, key = name.partition(".")
        known = alert.labels if kind == "labels" else alert.annotations
        if key in known:
            continue
        option = f"{'-l' if kind == 'labels' else '--annotation'} {printable(key)}=…"
        also = "--target … or " if kind == "labels" and key == target else ""
        yield f"give {also}{option} ({where})"


def _placeholders(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield every placeholder of ``rule`` once, with where it stands first."""
    templates = [("target", rule.target), ("when", rule.when)]
    templates += [
        (f'action "{printable(action.name)}"', text) for action in rule.actions for text in strings_in(action.spec)
    ]
    seen: dict[str, str] = {}
    for where, text in templates:
        for name in names(text):
            seen.setdefault(name, where)
    yield from ((where, name) for name, where in seen.items())


def _target_problems(rule: Rule, wish: Wish, alert: Alert) -> Iterator[str]:
    """Say where ``--target`` is not what the rule would act on; the rule decides that, from the labels alone."""
    if not wish.target or _target_label(rule):
        return
    if not rule.target:
        yield "it has no target: leave --target out"
        return
    values = {f"labels.{name}": value for name, value in alert.labels.items()}
    values |= {f"annotations.{name}": value for name, value in alert.annotations.items()}
    if set(names(rule.target)) <= set(values) and (found := fill(rule.target, values.__getitem__)) != wish.target:
        shown = truncate(printable(found), 80)
        yield f'with these labels its target is "{shown}": leave --target out, or give other labels'


def _unknown(wanted: str, known: list[str]) -> str:
    shown = truncate(printable(wanted), 80)
    near = get_close_matches(wanted, known, n=_NEAREST, cutoff=0.5)
    if near:
        return f'there is no rule "{shown}": did you mean {", ".join(printable(name) for name in near)}?'
    some = ", ".join(printable(name) for name in known[:_KNOWN_SHOWN])
    more = f" and {len(known) - _KNOWN_SHOWN} more" if len(known) > _KNOWN_SHOWN else ""
    return f'there is no rule "{shown}"; there are {some}{more}'
