"""Compares what would become of an alert with what a case expects. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lumen.errors import Finding
from lumen.plan import Plan, Refusal
from rules.approvals import expanded
from rules.explaining import misfits
from rules.match import rule_for
from rules.model import Rule, RuleSet
from rules.planner import plan_for
from rules.reading.document import Place, nearest
from rules.testing.actions import Wanted, shown_line
from rules.testing.cases import Case
from rules.testing.schema import BLOCKED
from rules.testing.simulating import Run, simulate

_PLANNED = ("mode", "target", "severity", "condition", "dry_run", "digest")
_CONTAINED = ("refused", "reason")
_PEOPLE = ("approval.allow", "approval.barred")


@dataclass(frozen=True)
class Difference:
    """One thing that is not as expected: the key of ``expect``, both sides in words, and where the case says it."""

    key: str
    expected: str
    got: str
    place: Place

    def finding(self) -> Finding:
        """Return it in the form of every other finding."""
        at = self.place
        return Finding(at.file, at.line, at.column, f"{self.key} is {self.got}", f"expected {self.expected}", at.length)


@dataclass(frozen=True)
class Verdict:
    """How a case went: ``got`` is what really came of it, by key; ``notes`` say which votes did not count and the like."""

    case: Case
    differences: tuple[Difference, ...]
    got: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences


def judge(case: Case, ruleset: RuleSet) -> Verdict:
    """Return how ``case`` goes under ``ruleset``."""
    rule = rule_for(case.alert, ruleset)
    plan = plan_for(case.alert, rule, ruleset) if rule is not None else None
    run = simulate(case.alert, plan, ruleset.policy, case.given) if plan is not None else Run()
    got = _got(plan, run)
    expected = _completed(case, plan)
    found = [
        Difference(key, _said(wanted), _said(got.get(key)), case.places.get(key, case.place))
        for key, wanted in expected.items()
        if not _same(key, wanted, got.get(key), plan, ruleset)
    ]
    notes = (*_why_other(case, rule, ruleset), *run.notes)
    return Verdict(case, (*found, *_unknown_results(case, plan)), _shown(got), notes)


def _why_other(case: Case, applies: Rule | None, ruleset: RuleSet) -> Iterator[str]:
    """Say why the expected rule is not the one that applies."""
    wanted = case.expected.get("rule")
    if wanted is None or (applies is not None and applies.name == wanted):
        return
    rule = next((rule for rule in ruleset.rules if rule.name == wanted), None)
    if rule is None:
        yield f'there is no rule "{wanted}": {nearest(wanted, [each.name for each in ruleset.rules])}'
        return
    found = [f"{wanted}: {one}" for one in misfits(rule, case.alert)]
    yield from found or [f"{wanted} matches too, but a rule before it applies"]


def _completed(case: Case, plan: Plan | Refusal | None) -> dict[str, Any]:
    """Return what is expected; that nothing is refused or unmatched goes without saying."""
    expected = dict(case.expected)
    if plan is None:
        expected.setdefault("unmatched", False)
    elif isinstance(plan, Refusal) and expected.get("outcome") != "refused":
        expected.setdefault("refused", None)
    return expected


def _got(plan: Plan | Refusal | None, run: Run) -> dict[str, Any]:
    if plan is None:
        return {"unmatched": True}
    ended = {
        "unmatched": False,
        "rule": plan.rule,
        "outcome": str(run.outcome) if run.outcome else BLOCKED,
        "path": [str(state) for state in run.path],
        "reason": run.reason,
    }
    if isinstance(plan, Refusal):
        return {**ended, "refused": plan.reason}
    approval = {f"approval.{name}": getattr(plan.approval, name) for name in plan.approval.__dataclass_fields__}
    return {name: getattr(plan, name) for name in _PLANNED} | {"actions": plan.actions} | approval | ended


def _same(key: str, wanted: Any, got: Any, plan: Plan | Refusal | None, ruleset: RuleSet) -> bool:
    if key in _CONTAINED:
        return wanted is not None and got is not None and wanted in got
    if key == "actions":
        return isinstance(plan, Plan) and _fit(wanted, plan)
    if key in _PEOPLE and got is not None:
        return set(expanded(tuple(one.lower() for one in wanted), _groups(ruleset))) == set(got)
    return bool(wanted == got)


def _groups(ruleset: RuleSet) -> dict[str, tuple[str, ...]]:
    return {name.lower(): members for name, members in ruleset.policy.groups.items()}


def _fit(wanted: tuple[Wanted, ...], plan: Plan) -> bool:
    return len(wanted) == len(plan.actions) and all(
        one.fits(action) for one, action in zip(wanted, plan.actions, strict=True)
    )


def _unknown_results(case: Case, plan: Plan | Refusal | None) -> list[Difference]:
    if not isinstance(plan, Plan):
        return []
    steps = [step for action in plan.actions for step in (action, action.undo) if step is not None]
    known = [step.name for step in steps]
    return [
        Difference("given.results", f"one of {', '.join(known)}", name, place)
        for name, place in case.results.items()
        if name not in known
    ]


def _shown(got: dict[str, Any]) -> dict[str, Any]:
    """Return what came of a case as JSON data, with what may be secret in it hidden."""
    shown = {name: _plain(value) for name, value in got.items() if not name.startswith("approval.")}
    approval = {name.removeprefix("approval."): got[name] for name in got if name.startswith("approval.")}
    plain = {name: _plain(value) for name, value in approval.items() if name != "escalate"}
    return shown | ({"approval": plain} if plain else {})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [one if isinstance(one, str) else shown_line(one) for one in value]
    return str(value) if hasattr(value, "value") else value


def _said(value: Any) -> str:
    """Return one side of a difference in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        parts = [str(one) if isinstance(one, str | Wanted) else shown_line(one) for one in value]
        return f"[{', '.join(parts)}]"
    return f'"{value}"' if value == "" else str(value)
