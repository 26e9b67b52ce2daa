"""Rules that no alert reaches, as far as a look at the matchers alone can tell. Pure.

The answer errs to one side: what is reported holds for every possible alert, and some unreachable rules are not seen, such
as one that several earlier rules cover only together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from rules.language.matchers import Matcher
from rules.model import Rule

_NAME = "alertname"
_ANY = ("", "")
_WORDS = re.compile(r"[A-Za-z0-9_ -]+(?:\|[A-Za-z0-9_ -]+)*")  # alternatives without any sign of a regular expression


def covering(rules: Sequence[Rule]) -> list[tuple[Rule, Rule]]:
    """Return each rule that never applies because an earlier one, which stands beside it, takes all of its alerts."""
    earlier: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
    found = []
    for rule in rules:
        possible = _possible(rule)
        if not all(possible.values()):
            continue
        fixed = [(label, next(iter(values))) for label, values in possible.items() if len(values) == 1]
        near = (each for label in (_ANY, *fixed) for each in earlier[label])
        taker = next((each for each in near if all(_implied(one, rule, possible) for one in each.matchers)), None)
        if taker is not None:
            found.append((rule, taker))
        earlier[_demand(rule)].append(rule)
    return found


def _demand(rule: Rule) -> tuple[str, str]:
    """Return one label and the value that it must have in every alert of ``rule``, so that few rules are compared."""
    if rule.alert:
        return _NAME, rule.alert
    return next(((each.name, each.value) for each in rule.matchers if each.operator == "="), _ANY)


def contradictory(rule: Rule) -> str:
    """Return the label of which ``rule`` demands what no alert can have, or nothing."""
    return next((label for label, values in _possible(rule).items() if not values), "")


def _implied(matcher: Matcher, rule: Rule, possible: dict[str, frozenset[str]]) -> bool:
    """Return whether ``matcher`` holds for every alert of ``rule``, whose labels can have the ``possible`` values only."""
    if matcher in rule.matchers or (matcher.operator, matcher.value) == ("=~", ".*"):
        return True
    values = possible.get(matcher.name)
    return values is not None and all(matcher.holds({matcher.name: value}) for value in values)


def _possible(rule: Rule) -> dict[str, frozenset[str]]:
    """Return the values that a label of the rule's alerts can have, for the labels where the matchers leave only a few."""
    named: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    if rule.alert:
        named[_NAME].append(frozenset({rule.alert}))
    for matcher in rule.matchers:
        values = _values(matcher)
        if values is not None:
            named[matcher.name].append(values)
    return {
        label: frozenset(value for value in frozenset.intersection(*sets) if _allows(rule, label, value))
        for label, sets in named.items()
    }


def _allows(rule: Rule, label: str, value: str) -> bool:
    return all(matcher.holds({label: value}) for matcher in rule.matchers if matcher.name == label)


def _values(matcher: Matcher) -> frozenset[str] | None:
    if matcher.operator == "=":
        return frozenset({matcher.value})
    if matcher.operator == "=~" and _WORDS.fullmatch(matcher.value):
        return frozenset(matcher.value.split("|"))
    return None
