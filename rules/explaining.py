"""Why an alert falls under the rule that it falls under, or under none: every rule with what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lumen.alert import Alert
from lumen.display import printable, truncate
from lumen.plan import Mode, Plan, Refusal
from rules.aftercare import verify_line
from rules.kinds import action_line, shown_plan
from rules.language.matchers import Matcher
from rules.model import Rule, RuleSet
from rules.planner import plan_for

_NAME = "alertname"
_SHOWN = 80  # bytes of a label's value that an explanation shows


@dataclass(frozen=True)
class Misfit:
    """One condition of a rule that an alert does not meet. ``value`` is that of the alert, None where it has none."""

    label: str
    wanted: str
    value: str | None

    def __str__(self) -> str:
        """Return it as a sentence."""
        name = printable(self.label)
        has = "is not there" if self.value is None else f'is "{truncate(printable(self.value), _SHOWN)}"'
        return f"{name} {has}, wanted is {self.wanted}"


@dataclass(frozen=True)
class Look:
    """One rule about one alert: ``fits`` if nothing speaks against it; ``first`` if it is the one that applies."""

    rule: str
    misfits: tuple[Misfit, ...]
    first: bool = False

    @property
    def fits(self) -> bool:
        """Whether the rule is for the alert."""
        return not self.misfits


@dataclass(frozen=True)
class Explanation:
    """Every rule in the order in which they are tried, the one that applies, and what it would do."""

    looks: tuple[Look, ...]
    rule: Rule | None
    plan: Plan | Refusal | None


def explain(alert: Alert, ruleset: RuleSet) -> Explanation:
    """Return what each rule of ``ruleset`` says about ``alert``; the first that fits is the one that applies."""
    looks: list[Look] = []
    winner: Rule | None = None
    for rule in ruleset.rules:
        found = tuple(misfits(rule, alert))
        first = winner is None and not found
        winner = rule if first else winner
        looks.append(Look(rule.name, found, first))
    return Explanation(tuple(looks), winner, plan_for(alert, winner, ruleset) if winner is not None else None)


def misfits(rule: Rule, alert: Alert) -> Iterator[Misfit]:
    """Yield every condition of ``rule`` that ``alert`` does not meet."""
    if rule.alert and rule.alert != alert.name:
        yield Misfit(_NAME, f'="{printable(rule.alert)}"', alert.labels.get(_NAME))
    for matcher in rule.matchers:
        if not matcher.holds(alert.labels):
            yield Misfit(matcher.name, _wanted(matcher), alert.labels.get(matcher.name))


def _wanted(matcher: Matcher) -> str:
    return f'{matcher.operator}"{printable(matcher.value)}"'


def document(found: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON; what may be secret in a plan is hidden as everywhere."""
    return {
        "rule": found.rule.name if found.rule else None,
        "rules": [
            {
                "rule": look.rule,
                "matches": look.fits,
                "applies": look.first,
                "why_not": [
                    {"label": one.label, "wanted": one.wanted, "value": one.value, "text": str(one)}
                    for one in look.misfits
                ],
            }
            for look in found.looks
        ],
        "plan": plan_document(found.plan) if isinstance(found.plan, Plan) else None,
        "refused": found.plan.reason if isinstance(found.plan, Refusal) else None,
    }


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON: what would be asked, of whom, and what would run."""
    shown = shown_plan(plan)
    same = ("mode", "dry_run", "target", "severity", "condition", "cooldown", "runbook_url", "digest", "rules_digest")
    return {name: getattr(shown, name) for name in same} | {
        "actions": [
            {
                "name": action.name,
                "kind": action.kind,
                "shown": action_line(action),
                "spec": action.spec,
                "rollback": action_line(action.undo) if action.undo else None,
            }
            for action in shown.actions
        ],
        "verify": verify_line(shown.verify) if shown.verify else None,
        "approval": approval_document(plan),
    }


def approval_document(plan: Plan) -> dict[str, Any] | None:
    """Return who has to agree to ``plan`` as JSON, None where nobody is asked."""
    if not asks(plan):
        return None
    rules = plan.approval
    same = ("approve", "reject", "min_rank", "window", "timeout", "on_timeout", "valid_for", "anonymous", "remind")
    return {name: getattr(rules, name) for name in same} | {
        "allow": list(rules.allow),
        "barred": list(rules.barred),
        "escalate": [
            {"after": level.after, "allow": list(level.allow), "channel": level.channel} for level in rules.escalate
        ],
    }


def asks(plan: Plan) -> bool:
    """Return whether people are asked before ``plan`` runs, while no result of it is unknown."""
    return plan.mode is Mode.APPROVE
