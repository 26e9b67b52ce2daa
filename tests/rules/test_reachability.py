"""Rules that no alert reaches are warned about, and no rule that an alert can reach ever is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import Limits, Mode
from rules.language.matchers import Matcher, parse_matchers
from rules.match import covers
from rules.model import ApprovalRule, Rule
from rules.reachability import contradictory, covering
from tests.rules.documents import alert, rules_of

TAKEN = [
    ("alert: A", "alert: A"),
    ("alert: A", "alert: A\n    match: [severity=critical]"),
    ("match: [team=db]", "alert: A\n    match: [team=db]"),
    ("match: [team=db]", "match: ['severity=critical', 'team=db']"),
    ("match: ['severity=~\"critical|page\"']", "match: [severity=page]"),
    ("match: ['severity=~\"critical|page|warning\"']", "match: ['severity=~\"page|critical\"']"),
    ("match: ['env!=dev']", "match: [env=prod]"),
    ("match: ['env!~\"dev.*\"']", "match: ['env=~\"prod|stage\"']"),
    ("match: ['alertname=A']", "alert: A"),
    ("alert: A", "match: ['alertname=A', 'x=y']"),
    ("match: ['severity=~\".*\"']", "alert: A"),
    ("match: ['env!=dev']", "match: ['env!=dev', 'team=~\"d.\"']"),
]
REACHED = [
    ("alert: A", "alert: B"),
    ("alert: A\n    match: [severity=critical]", "alert: A"),
    ("match: [team=db]", "match: [team=web]"),
    ("match: ['env!=dev']", "match: ['team=db']"),
    ("match: ['severity=~\"critical|page\"']", "match: ['severity=~\"page|warning\"']"),
    ("match: ['severity=~\"crit.*\"']", "match: ['severity=~\"cr.*\"']"),
    ("alert: A", "match: ['alertname=~\"A|B\"']"),
    ("match: ['a=b', 'c=d']", "match: [a=b]"),
]
VALUES = st.sampled_from(["", "x", "y", "z"])
MATCHERS = st.builds(
    lambda name, operator, value: parse_matchers(f'{name}{operator}"{value}"')[0],
    st.sampled_from(["a", "b", "alertname"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["", "x", "y", "x|y", "y|z", "x.*", ".*", "."]),
)


def rule(number: int, name: str, matchers: list[Matcher]) -> Rule:
    """Return a rule with these conditions."""
    parts = (Mode.APPROVE, "", "", ApprovalRule(), (), (), 0.0, Limits(), False, "")
    return Rule(str(number), name, tuple(matchers), *parts)


@pytest.mark.parametrize(("first", "second"), TAKEN)
def test_a_rule_behind_a_broader_one_is_warned_about(tmp_path: Path, first: str, second: str) -> None:
    """The warning stands at the later rule and names the earlier."""
    (warning,) = [line for line in rules_of(tmp_path, text_of(first, second)).warnings if "no alert" in line]
    assert 'no alert reaches this rule: "first" (line 2 of ' in warning
    assert warning.startswith(f"{tmp_path}/rules.yaml:{5 + first.count(chr(10))}:")


@pytest.mark.parametrize(("first", "second"), REACHED)
def test_a_rule_that_can_be_reached_is_not(tmp_path: Path, first: str, second: str) -> None:
    """Narrower, other or undecidable matchers before it give no warning."""
    assert not [line for line in rules_of(tmp_path, text_of(first, second)).warnings if "no alert" in line]


@pytest.mark.parametrize(
    "lines",
    ["alert: A\n    match: [alertname=B]", "match: [a=x, a=y]", "match: ['a=x', 'a!=x']", "match: ['a=~\"x|y\"', a=z]"],
)
def test_a_rule_that_contradicts_itself_is_warned_about(tmp_path: Path, lines: str) -> None:
    """One label cannot have two values."""
    (warning,) = rules_of(tmp_path, f"rules:\n  - name: n\n    {lines}\n    actions: [{{proof: true}}]").warnings
    assert "no alert can match this rule: it wants two things of the label a" in warning


@given(
    st.lists(st.tuples(st.sampled_from(["", "x", "y"]), st.lists(MATCHERS, max_size=3)), max_size=5),
    st.lists(st.fixed_dictionaries({"alertname": VALUES, "a": VALUES, "b": VALUES}), min_size=1, max_size=20),
)
def test_no_alert_reaches_what_is_reported(
    drawn: list[tuple[str, list[Matcher]]], labels: list[dict[str, str]]
) -> None:
    """Whatever the rules and the alerts are, a reported rule is never the first that matches."""
    rules = [rule(number, name, matchers) for number, (name, matchers) in enumerate(drawn)]
    reported = {later.name for later, _ in covering(rules)} | {each.name for each in rules if contradictory(each)}
    for sent in (alert(each) for each in labels):
        first = next((each for each in rules if covers(each, sent)), None)
        assert first is None or first.name not in reported


def text_of(first: str, second: str) -> str:
    """Return a file with two rules."""
    action = "\n    actions: [{proof: true}]\n"
    return f"rules:\n  - name: first\n    {first}{action}  - name: second\n    {second}{action}"
