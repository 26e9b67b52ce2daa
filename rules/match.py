"""Which rule an alert falls under."""

from __future__ import annotations

from lumen.alert import Alert
from rules.model import Rule, RuleSet


def rule_for(alert: Alert, ruleset: RuleSet) -> Rule | None:
    """Return the first rule whose alert name and matchers all hold, in file-name then file order; None: unmatched."""
    return next((rule for rule in ruleset.rules if covers(rule, alert)), None)


def covers(rule: Rule, alert: Alert) -> bool:
    """Return whether ``rule`` is for ``alert``."""
    if rule.alert and rule.alert != alert.name:
        return False
    return all(matcher.holds(alert.labels) for matcher in rule.matchers)
