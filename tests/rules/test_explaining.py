"""What an explanation says is what the rules do."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import Approval, Limits, Mode, Plan
from rules.explaining import document, explain
from rules.language.matchers import Matcher, parse_matchers
from rules.match import covers, rule_for
from rules.model import ApprovalRule, Policy, Rule, RuleSet
from tests.rules.documents import alert, planned, rules_of

VALUES = st.sampled_from(["", "x", "y", "z"])
MATCHERS = st.builds(
    lambda name, operator, value: parse_matchers(f'{name}{operator}"{value}"')[0],
    st.sampled_from(["a", "b", "alertname"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["", "x", "y", "x|y", ".*", "."]),
)
LABELS = st.dictionaries(st.sampled_from(["alertname", "a", "b", "c"]), VALUES)
RULES = """\
rules:
  - {name: db, alert: Full, match: ['team="db"', 'severity=~"critical|page"'], actions: [{proof: true}]}
  - name: any
    alert: Full
    target: "{labels.instance}"
    approval: {owner_label: owner}
    actions:
      - {cmd: [/bin/clean, "{labels.instance}"]}
      - {http: {url: "https://h/x?token=s3cret", headers: {Authorization: s3cret}}}
  - {name: late, alert: Full, actions: [{proof: true}]}
"""


def ruleset_of(drawn: list[tuple[str, list[Matcher]]]) -> RuleSet:
    """Return rules with these conditions."""
    parts = (Mode.APPROVE, "", "", ApprovalRule(), (), (), 0.0, Limits(), False, "")
    rules = tuple(Rule(str(number), name, tuple(each), *parts) for number, (name, each) in enumerate(drawn))
    return RuleSet(rules, Policy(("alice@example.com",)), "sha256:0")


@given(st.lists(st.tuples(st.sampled_from(["", "x", "y"]), st.lists(MATCHERS, max_size=3)), max_size=6), LABELS)
def test_the_rule_that_applies_is_the_one_that_the_worker_takes(
    drawn: list[tuple[str, list[Matcher]]], labels: dict[str, str]
) -> None:
    """For any rules and labels; and a rule has a misfit exactly when it does not match."""
    ruleset, sent = ruleset_of(drawn), alert(labels)
    found = explain(sent, ruleset)
    assert found.rule is rule_for(sent, ruleset)
    assert [look.fits for look in found.looks] == [covers(rule, sent) for rule in ruleset.rules]
    assert [look.rule for look in found.looks if look.first] == ([found.rule.name] if found.rule else [])


def test_it_says_which_condition_failed_with_which_value(tmp_path: Path) -> None:
    """Every failed condition of a rule, missing labels as missing, and that a later rule matches too."""
    ruleset = rules_of(tmp_path, RULES)
    found = explain(alert({"alertname": "Full", "severity": "info", "instance": "h1"}), ruleset)
    assert [str(one) for one in found.looks[0].misfits] == [
        'team is not there, wanted is ="db"',
        'severity is "info", wanted is =~"critical|page"',
    ]
    assert [(look.fits, look.first) for look in found.looks] == [(False, False), (True, True), (True, False)]
    other = explain(alert({"alertname": "Other"}), ruleset)
    assert {str(look.misfits[0]) for look in other.looks} == {'alertname is "Other", wanted is ="Full"'}
    assert (other.rule, other.plan) == (None, None)


def test_the_document_has_the_plan_and_no_secret(tmp_path: Path) -> None:
    """What would run, whom it asks and who is barred; header values and queries stay hidden."""
    ruleset = rules_of(tmp_path, RULES)
    sent = alert({"alertname": "Full", "instance": "h1", "owner": "bob@example.com"})
    told = document(explain(sent, ruleset))
    made = planned(ruleset, sent)
    assert isinstance(made, Plan)
    assert (told["rule"], told["plan"]["digest"]) == ("any", made.digest)
    assert [action["shown"] for action in told["plan"]["actions"]] == ["/bin/clean h1", "POST https://h/x?(hidden)"]
    assert "s3cret" not in str(told)
    assert told["plan"]["approval"]["barred"] == ["bob@example.com"]
    assert told["plan"]["approval"]["allow"] == ["alice@example.com", "carol@example.com"]
    assert told["plan"]["approval"]["approve"] == Approval.approve


def test_a_refusal_is_told_with_its_reason(tmp_path: Path) -> None:
    """A label that is missing, and not merely that there is no plan."""
    told = document(explain(alert({"alertname": "Full"}), rules_of(tmp_path, RULES)))
    assert told["plan"] is None
    assert "no label for {labels.instance}" in told["refused"]


def test_hostile_values_are_shown_escaped_and_cut(tmp_path: Path) -> None:
    """A label cannot move a terminal through an explanation."""
    sent = alert({"alertname": "\x1b[31m" + "x" * 500})
    text = str(explain(sent, rules_of(tmp_path, RULES)).looks[0].misfits[0])
    assert "\x1b" not in text
    assert len(text) < 200
