"""What rules would have done about the alerts of the past, and how another set of rules differs. Pure.

Conditions are not asked: what Prometheus said then is not known. People are not either: the plan says whom it would ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from lumen.alert import Alert
from lumen.plan import Plan
from rules.explaining import misfits
from rules.language.placeholders import names, strings_in
from rules.match import covers, rule_for
from rules.model import Rule, RuleSet
from rules.planner import draft_for
from rules.testing.actions import shown_line

UNMATCHED = ""
"""Stands for the rule of an alert that no rule matches."""

_LEFT = frozenset({"rule", "severity", "has_target", "digest", "rules_digest"})
_COMPARED = tuple(each.name for each in fields(Plan) if each.name not in _LEFT)


@dataclass(frozen=True)
class Past:
    """One episode of the past. ``annotated``: its annotations are known; the ledger has them only of what was voted on."""

    alert: Alert
    annotated: bool = True


@dataclass(frozen=True)
class Result:
    """What a set of rules does about one alert: ``rule`` (:data:`UNMATCHED` = none) and its plan, without digests."""

    rule: str
    plan: Plan | None = None
    refused: str = ""
    unknown: str = ""

    @property
    def mode(self) -> str:
        """The mode of the plan in one word, ``refused``, ``unknown`` or ``unmatched``."""
        if not self.rule:
            return "unmatched"
        if self.plan is None:
            return "unknown" if self.unknown else "refused"
        return (
            f"{self.plan.mode} (dry run)" if self.plan.dry_run and self.plan.mode != "shadow" else str(self.plan.mode)
        )


@dataclass(frozen=True)
class Change:
    """An alert that is treated otherwise: what changes, each with both sides, and why another rule applies."""

    alert: Alert
    before: Result
    after: Result
    changes: tuple[tuple[str, str, str], ...]
    why: str = ""


@dataclass
class Count:
    """The alerts of one rule before and after. ``changed``: how many of those after were treated otherwise before."""

    before: int = 0
    after: int = 0
    changed: int = 0
    refused: int = 0
    unknown: int = 0
    modes: dict[str, int] = field(default_factory=dict)


@dataclass
class Report:
    """All of it. ``rules`` maps a rule to its counts, :data:`UNMATCHED` to those of alerts without a rule."""

    episodes: int = 0
    rules: dict[str, Count] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def backtest(past: Iterable[Past], before: RuleSet, after: RuleSet) -> Report:
    """Return what ``after`` does about each of ``past``, beside what ``before`` does."""
    report = Report()
    for rule in (*before.rules, *after.rules):
        report.rules.setdefault(rule.name, Count())
    report.rules[UNMATCHED] = Count()
    kept = _kept(before, after)
    for one in past:
        new = treated(one, rule_for(one.alert, after), after)
        applied = rule_for(one.alert, before)
        # The same rule under the same policy does the same, so it is not worked out again.
        same = applied is not None and applied.name == new.rule and new.rule in kept
        old = new if same else treated(one, applied, before)
        _count(report, old, new)
        change = None if same else compared(one.alert, old, new, after, before)
        if change is not None:
            report.changes.append(change)
            report.rules[new.rule].changed += 1
    return report


def _kept(before: RuleSet, after: RuleSet) -> set[str]:
    """Return the rules that are the same in both sets; none if the policy is another, since plans hold what it says."""
    known = {rule.name: rule for rule in before.rules}
    return (
        {rule.name for rule in after.rules if known.get(rule.name) == rule} if before.policy == after.policy else set()
    )


def treated(past: Past, rule: Rule | None, ruleset: RuleSet) -> Result:
    """Return what ``ruleset`` does about one alert, which falls under ``rule``."""
    if rule is None:
        return Result(UNMATCHED)
    plan = draft_for(past.alert, rule, ruleset)
    if isinstance(plan, Plan):
        return Result(rule.name, plan)
    if not past.annotated and _wants_annotations(rule):
        return Result(rule.name, unknown="the annotations of this alert are not in the ledger")
    return Result(rule.name, refused=plan.reason)


def _wants_annotations(rule: Rule) -> bool:
    templates = [rule.target, rule.when, *(text for action in rule.actions for text in strings_in(action.spec))]
    return any(name.startswith("annotations.") for text in templates for name in names(text))


def _count(report: Report, old: Result, new: Result) -> None:
    report.episodes += 1
    report.rules[old.rule].before += 1
    count = report.rules[new.rule]
    count.after += 1
    count.refused += bool(new.refused)
    count.unknown += bool(new.unknown)
    count.modes[new.mode] = count.modes.get(new.mode, 0) + 1


def compared(alert: Alert, old: Result, new: Result, after: RuleSet, before: RuleSet) -> Change | None:
    """Return how ``new`` differs from ``old``, None where the same would be done under a rule of the same name."""
    if old == new:
        return None
    changes = tuple(_changes(old, new))
    why = _why(alert, old.rule, new.rule, before, after) if old.rule != new.rule else ""
    return Change(alert, old, new, changes, why) if changes else None


def _changes(old: Result, new: Result) -> Iterator[tuple[str, str, str]]:
    if old.rule != new.rule:
        yield "rule", old.rule or "unmatched", new.rule or "unmatched"
    if old.plan is None or new.plan is None:
        if (old.mode, old.refused) != (new.mode, new.refused):
            yield "does", old.refused or old.mode, new.refused or new.mode
        return
    for name in _COMPARED:
        was, now = getattr(old.plan, name), getattr(new.plan, name)
        if was != now:
            yield name, _said(name, was, now), _said(name, now, was)


def _said(name: str, value: Any, other: Any) -> str:
    """Return one side of a change; of a dataclass only what differs from the other side."""
    if name == "actions":
        lines = [shown_line(action) for action in value]
        # The lines may be the same where timeouts and the like differ.
        differ = lines != [shown_line(action) for action in other]
        return "; ".join(lines) if differ else "; ".join(_details(action) for action in value)
    known = getattr(value, "__dataclass_fields__", None)
    if known is None:
        return "none" if value is None else _plain(value)
    parts = [
        f"{key} {_plain(getattr(value, key))}"
        for key in known
        if other is None or getattr(value, key) != getattr(other, key)
    ]
    return ", ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _details(action: Any) -> str:
    own = [name for name in action.__dataclass_fields__ if name not in {"spec", "kind"}]
    return f"{shown_line(action)} ({', '.join(f'{name} {_plain(getattr(action, name))}' for name in own)})"


def _why(alert: Alert, old: str, new: str, before: RuleSet, after: RuleSet) -> str:
    """Return why another rule applies: what became of the one that did, and of the one that does."""
    parts = []
    if old:
        parts.append(_fate(alert, old, after, new))
    if new and (earlier := _find(before, new)) is not None:
        found = [str(one) for one in misfits(earlier, alert)]
        parts.append(f"{new} did not match: {'; '.join(found)}" if found else "")
    elif new:
        parts.append(f"{new} is new")
    return "; ".join(part for part in parts if part)


def _fate(alert: Alert, rule: str, ruleset: RuleSet, taker: str) -> str:
    found = _find(ruleset, rule)
    if found is None:
        return f"there is no {rule} any more"
    if covers(found, alert):
        return f"{taker} comes before {rule}"
    return f"{rule} does not match any more: {'; '.join(str(one) for one in misfits(found, alert))}"


def _find(ruleset: RuleSet, name: str) -> Rule | None:
    return next((rule for rule in ruleset.rules if rule.name == name), None)


def document(report: Report) -> dict[str, Any]:
    """Return a report as JSON."""
    counts = {
        name: {field_: getattr(count, field_) for field_ in count.__dataclass_fields__}
        for name, count in report.rules.items()
        if name
    }
    unmatched = report.rules[UNMATCHED]
    return {
        "episodes": report.episodes,
        "rules": counts,
        "unmatched": {"before": unmatched.before, "after": unmatched.after},
        "changes": [
            {
                "key": one.alert.key,
                "starts_at": one.alert.starts_at,
                "labels": one.alert.labels,
                "before": {"rule": one.before.rule or None, "mode": one.before.mode},
                "after": {"rule": one.after.rule or None, "mode": one.after.mode},
                "changes": [{"what": what, "before": was, "after": now} for what, was, now in one.changes],
                "why": one.why,
            }
            for one in report.changes
        ],
    }
