"""Rule folders and alerts for the tests of the rule language."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lumen.alert import Alert
from lumen.errors import RulesError
from lumen.plan import Plan, Refusal
from rules.loader import load
from rules.match import rule_for
from rules.model import RuleSet
from rules.planner import plan_for

POLICY = """\
approver_allowlist: [alice@example.com, bob@example.com, carol@example.com]
quorum_window_sec: 900
timeout: 1h
on_timeout: reject
severity:
  critical: {approve: 2, reject: 1}
  warning: {approve: 1, reject: 1}
  default: {approve: 1, reject: 1}
groups: {sre: [alice@example.com, bob@example.com]}
people: {alice@example.com: {slack: U012AB3CD}}
commands: [restart-exporter, reduce-gain]
"""


def write(folder: Path, **files: str) -> Path:
    """Write ``name=text`` as ``name.yaml``; a policy is added unless one is given, and left out if it is empty."""
    for name, text in ({"policy": POLICY} | files).items():
        if text:
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def rules_of(folder: Path, rules: str, **files: str) -> RuleSet:
    """Load one file of rules beside the usual policy."""
    return load(write(folder, rules=rules, **files))


def refused(folder: Path, rules: str, **files: str) -> list[str]:
    """Return the findings of a file of rules as ``file:line:column: …``, without the folder."""
    with pytest.raises(RulesError) as caught:
        rules_of(folder, rules, **files)
    return [str(found).removeprefix(f"{folder}/") for found in caught.value.findings]


def alert(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Alert:
    """Return a firing alert called ``A`` unless ``labels`` say otherwise."""
    return Alert(
        "alertmanager",
        "0123456789abcdef",
        {"alertname": "A"} | (labels or {}),
        datetime(2026, 1, 1, tzinfo=UTC),
        annotations or {},
    )


def planned(ruleset: RuleSet, sent: Alert) -> Plan | Refusal:
    """Return the plan of the rule that ``sent`` falls under."""
    rule = rule_for(sent, ruleset)
    assert rule is not None
    return plan_for(sent, rule, ruleset)


def plan(ruleset: RuleSet, sent: Alert) -> Plan:
    """Return the plan, which must not be a refusal."""
    made = planned(ruleset, sent)
    assert isinstance(made, Plan), made
    return made


def refusal(ruleset: RuleSet, sent: Alert) -> str:
    """Return why no plan can be made."""
    made = planned(ruleset, sent)
    assert isinstance(made, Refusal), made
    return made.reason
