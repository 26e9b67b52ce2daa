"""A case passes exactly when everything that it says is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.loader import parse
from rules.model import RuleSet
from rules.reading.document import Findings
from rules.testing.cases import read_cases
from rules.testing.judging import Verdict, judge
from tests.rules.documents import rules_of

RULES = """\
rules:
  - name: full
    alert: Full
    match: ['severity=~"critical|page"']
    target: "{labels.instance}"
    when: 'free{instance="{labels.instance}"} < 5'
    approval: {approve: 2, allow: [group:sre, carol@example.com], owner_label: owner}
    actions:
      - {name: clean, cmd: [/bin/clean, --days, "7", "{labels.instance}"], timeout: 30, rollback: {cmd: [/bin/undo]}}
      - {name: tell, http: {url: "https://h/x?t={labels.instance}", json: {a: {b: 1, c: 2}}}}
      - {proof: true}
  - {name: rest, alert: Full, mode: auto, actions: [{proof: true}]}
"""
ALERT = "alert: {labels: {alertname: Full, severity: page, instance: h1, owner: alice@example.com}}"


def verdict(ruleset: RuleSet, expect: str, more: str = "", alert: str = ALERT) -> Verdict:
    """Return how one case goes."""
    findings = Findings()
    text = f"cases:\n  - name: a case\n    {alert}\n    {more or 'votes: [{actor: bob@example.com}]'}\n    expect: {expect}\n"
    node = parse(text, "cases.yaml", findings)
    assert node is not None
    found = read_cases(node, findings)
    assert found is not None, findings.items
    return judge(found.cases[0], ruleset)


@pytest.fixture
def ruleset(tmp_path: Path) -> RuleSet:
    """The rules above."""
    return rules_of(tmp_path, RULES)


TRUE = [
    "{rule: full, mode: approve, target: h1, severity: page, dry_run: false}",
    "{condition: 'free{instance=\"h1\"} < 5'}",
    "{actions: [[/bin/clean, --days, 7, h1], 'POST https://h/x?(hidden)', {proof: true}]}",
    "{actions: ['/bin/clean --days 7 h1', 'POST https://h/x?t=h1', record in the ledger]}",
    "{actions: [{name: clean, timeout: 30}, {http: {json: {a: {b: 1}}}}, {name: action-3}]}",
    "{actions: [{cmd: [/bin/clean, --days, '7', h1], rollback: {spec: {argv: [/bin/undo]}}}, {name: tell}, {proof: true}]}",
    "{approval: {approve: 2, reject: 1, allow: [bob@example.com, Carol@example.com]}}",
    "{approval: {barred: [alice@example.com], window: 15m, min_rank: link, anonymous: false}}",
    "{outcome: expired, path: [planning, awaiting_approval], reason: in time}",
]
FALSE = [
    ("{rule: rest}", "rule", "full", "rest"),
    ("{mode: auto}", "mode", "approve", "auto"),
    ("{target: h2}", "target", "h1", "h2"),
    ("{dry_run: true}", "dry_run", "false", "true"),
    ("{digest: 'sha256:0'}", "digest", "sha256:", "sha256:0"),
    ("{actions: [[/bin/clean, --days, '8', h1], {proof: true}, {proof: true}]}", "actions", "--days 7", "--days 8"),
    ("{actions: [[/bin/clean, --days, '7', h1]]}", "actions", "record", "/bin/clean"),
    ("{actions: [{cmd: [/bin/x], timeout: 30}, {name: tell}, {proof: true}]}", "actions", "/bin/clean", "/bin/x"),
    ("{actions: [{http: {}}, {name: tell}, {proof: true}]}", "actions", "/bin/clean", "http"),
    ("{approval: {approve: 1}}", "approval.approve", "2", "1"),
    ("{approval: {allow: [group:sre]}}", "approval.allow", "carol", "group:sre"),
    ("{approval: {barred: [bob@example.com]}}", "approval.barred", "alice", "bob"),
    ("{outcome: remediated}", "outcome", "expired", "remediated"),
    ("{path: [planning, executing]}", "path", "awaiting_approval", "executing"),
    ("{reason: rejected}", "reason", "nobody decided", "rejected"),
    ("{unmatched: true}", "unmatched", "false", "true"),
    ("{refused: no label}", "refused", "nothing", "no label"),
]


@pytest.mark.parametrize("expect", TRUE)
def test_what_is_so_passes(ruleset: RuleSet, expect: str) -> None:
    """Each key of expect, in each form in which it can be written."""
    found = verdict(ruleset, expect)
    assert [str(one.finding()) for one in found.differences] == []
    assert found.ok


@pytest.mark.parametrize(("expect", "key", "got", "wanted"), FALSE)
def test_what_is_not_so_fails_with_both_sides(ruleset: RuleSet, expect: str, key: str, got: str, wanted: str) -> None:
    """One difference, at the place of the key, with what was expected and what came."""
    (one,) = verdict(ruleset, expect).differences
    assert one.key == key
    assert got in one.got
    assert wanted in one.expected
    line = str(one.finding())
    assert line.startswith("cases.yaml:5:")
    assert "t=h1" not in line


def test_that_nothing_is_refused_or_unmatched_goes_without_saying(ruleset: RuleSet) -> None:
    """A case that looks at something else fails too when there is no plan, and says why."""
    unmatched = verdict(ruleset, "{rule: full}", alert="alert: {labels: {alertname: Other}}")
    assert [one.key for one in unmatched.differences] == ["rule", "unmatched"]
    assert unmatched.notes[0] == 'full: alertname is "Other", wanted is ="Full"'
    refused = verdict(ruleset, "{rule: full}", alert="alert: {labels: {alertname: Full, severity: page}}")
    assert [one.key for one in refused.differences] == ["refused"]
    assert "no label for {labels.instance}" in refused.differences[0].got
    expected = "alert: {labels: {alertname: Full, severity: page}}"
    assert verdict(ruleset, "{refused: labels.instance}", alert=expected).ok
    assert verdict(ruleset, "{outcome: refused}", alert=expected).ok


def test_an_unknown_action_among_the_results_is_found(ruleset: RuleSet) -> None:
    """A misspelt name must not pass for an action that succeeded; rollbacks have names too."""
    (one,) = verdict(ruleset, "{rule: full}", "given: {results: {cleen: failed, clean/rollback: failed}}").differences
    assert (one.key, one.got) == ("given.results", "cleen")
    assert "clean, clean/rollback, tell, action-3" in one.expected


def test_an_earlier_rule_is_named(ruleset: RuleSet) -> None:
    """Where the expected rule matches too."""
    assert verdict(ruleset, "{rule: rest}").notes[0] == "rest matches too, but a rule before it applies"
    assert "did you mean" in verdict(ruleset, "{rule: ful}").notes[0]


MISTAKES = [
    ("cases: []", "1:8: cases is an empty list"),
    ("cases: [{name: a, alert: {labels: {a: b}}, expect: {}}]", "1:52: expect says nothing"),
    ("cases: [{name: a, alert: {labels: {a: b}}, expect: {outcom: x}}]", '1:53: unknown key "outcom"'),
    ("cases: [{name: a, alert: {labels: {a: 1}}, expect: {rule: x}}]", "1:39: alert.labels.a is text"),
    ("cases: [{name: a, alert: {labels: {a: b}}, expect: {path: [plan]}}]", "1:60: plan is no state: did you mean"),
    ("cases: [{name: a, alert: {labels: {a: b}}, expect: {actions: x}}]", "1:62: actions is not a list"),
    ("cases: [{name: a, alert: {labels: {a: b}}, expect: {actions: [{cdm: [a]}]}}]", '1:64: unknown key "cdm"'),
    (
        "cases: [{name: a, alert: {labels: {a: b}}, given: {condition: maybe}, expect: {rule: x}}]",
        "1:63: condition is no answer of Prometheus: write true, false or unavailable",
    ),
    (
        "cases: [{name: a, alert: {labels: {a: b}}, given: {results: {x: faild}}, expect: {rule: x}}]",
        '1:65: the result of x is faild: did you mean "failed"?',
    ),
    ("- a", "1:1: the file is not a mapping"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_in_a_case_is_found_at_its_place(text: str, expected: str) -> None:
    """Like one in a rule: file, line, column, problem, fix."""
    findings = Findings()
    node = parse(text, "cases.yaml", findings)
    assert node is not None
    assert read_cases(node, findings) is None
    assert str(findings.items[0]).startswith(f"cases.yaml:{expected}")
