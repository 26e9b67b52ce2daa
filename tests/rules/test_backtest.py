"""What a backtest counts is what the rules would do, and its differences are those of the plans."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import Plan
from rules.backtest import UNMATCHED, Past, backtest, document
from rules.match import rule_for
from rules.model import RuleSet
from rules.planner import plan_for
from tests.rules.documents import alert, rules_of
from tests.rules.test_explaining import LABELS, MATCHERS, ruleset_of

OLD = """\
rules:
  - {name: db, alert: Full, match: [team=db], cooldown: 5m, actions: [{cmd: [/bin/a, "{labels.team}"]}]}
  - {name: any, alert: Full, target: "{labels.instance}", actions: [{cmd: [/bin/b]}, {proof: true}]}
  - {name: gone, alert: Old, actions: [{proof: true}]}
"""


def sets(tmp_path: Path, new: str) -> tuple[RuleSet, RuleSet]:
    """Return the old rules and ``new`` ones."""
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    return rules_of(folders[0], OLD), rules_of(folders[1], new)


def one(labels: dict[str, str], old: RuleSet, new: RuleSet) -> tuple[list[tuple[str, str, str]], str]:
    """Return what changes for one alert, and why."""
    report = backtest([Past(alert({"alertname": "Full", "instance": "h1"} | labels))], old, new)
    return ([], "") if not report.changes else (list(report.changes[0].changes), report.changes[0].why)


CHANGES = [
    (("name: db,", "name: db,"), {"team": "db"}, [], ""),
    (("cooldown: 5m", "cooldown: 10m"), {"team": "db"}, [("cooldown", "300", "600")], ""),
    (("/bin/a, ", "/bin/x, "), {"team": "db"}, [("actions", "/bin/a db", "/bin/x db")], ""),
    (
        ("team=db]", "team=web]"),
        {"team": "db"},
        [("rule", "db", "any")],
        'db does not match any more: team is "db", wanted is ="web"',
    ),
    (("team=db]", "team=web]"), {"team": "x"}, [], ""),
    (
        ("alert: Old", "alert: Full, match: [team=x]"),
        {"alertname": "Old"},
        [("rule", "gone", "unmatched")],
        'gone does not match any more: alertname is "Old", wanted is ="Full"; team is not there, wanted is ="x"',
    ),
    (
        ('target: "{labels.instance}"', 'target: "{labels.host}"'),
        {},
        [("does", "approve", 'rule "any": this alert has no label for {labels.host}')],
        "",
    ),
    (("{proof: true}]}\n  -", "{proof: true}], mode: auto}\n  -"), {}, [("mode", "approve", "auto")], ""),
    (
        ("{cmd: [/bin/b]}", "{cmd: [/bin/b], timeout: 5, rollback: {cmd: [/bin/u]}}"),
        {},
        [("actions", "timeout 60", "timeout 5")],
        "",
    ),
    (("cooldown: 5m", "limits: {max_runs: 3}"), {"team": "db"}, [("cooldown", "300", "600")], ""),
    (("cooldown: 5m", "cooldown: 5m, verify: {resolved: true}"), {"team": "db"}, [("verify", "none", "resolved")], ""),
]


@pytest.mark.parametrize(("edit", "labels", "changes", "why"), CHANGES)
def test_an_edit_shows_as_what_it_changes(
    tmp_path: Path, edit: tuple[str, str], labels: dict[str, str], changes: list[tuple[str, str, str]], why: str
) -> None:
    """The same rule with other values, another rule with the reason, or nothing at all."""
    assert edit[0] in OLD
    old, new = sets(tmp_path, OLD.replace(*edit, 1))
    found, said = one(labels, old, new)
    if why:
        assert (found[0], why in said) == (changes[0], True)
        return
    assert bool(found) is bool(changes)
    for (what, was, now), (key, before, after) in zip(found, changes, strict=False):
        assert (what, before in was, after in now) == (key, True, True)


def test_a_new_rule_before_and_a_rule_that_is_gone_are_named(tmp_path: Path) -> None:
    """Why another rule applies, in words of both sets."""
    new = OLD.replace("rules:\n", "rules:\n  - {name: first, alert: Full, actions: [{proof: true}]}\n")
    new = "\n".join(line for line in new.splitlines() if "name: gone" not in line)
    old, changed = sets(tmp_path, new)
    assert one({"team": "db"}, old, changed)[1] == "first comes before db; first is new"
    assert one({"alertname": "Old"}, old, changed)[1] == "there is no gone any more"


def test_a_changed_policy_changes_who_is_asked(tmp_path: Path) -> None:
    """The rules are the same and the plans are not."""
    old = rules_of(tmp_path, OLD)
    (tmp_path / "policy.yaml").write_text("approver_allowlist: [dave@example.com]")
    ((what, was, now),) = one({"team": "db"}, old, rules_of(tmp_path, OLD, policy=""))[0]
    assert (what, "alice" in was, "dave" in now) == ("approval", True, True)


def test_annotations_that_the_ledger_does_not_have_are_no_refusal(tmp_path: Path) -> None:
    """What would be done is then unknown, not refused."""
    rules = "rules:\n  - alert: Full\n    actions: [{cmd: [/bin/a, '{annotations.summary}']}]\n"
    ruleset = rules_of(tmp_path, rules)
    sent = alert({"alertname": "Full"})
    counts = backtest([Past(sent, annotated=False), Past(sent)], ruleset, ruleset).rules["Full"]
    assert (counts.unknown, counts.refused) == (1, 1)


def test_secrets_of_requests_are_not_shown(tmp_path: Path) -> None:
    """A query and headers stay hidden in both sides of a change."""
    rules = "rules:\n  - {alert: Full, actions: [{http: {url: 'https://h/x?t=s3cret', headers: {A: s3cret}}}]}\n"
    old, new = sets(tmp_path, rules)
    assert "s3cret" not in str(document(backtest([Past(alert({"alertname": "Full"}))], old, new)))
    assert "s3cret" not in str(document(backtest([Past(alert({"alertname": "Full"}))], new, old)))


@given(
    st.lists(st.tuples(st.sampled_from(["", "x", "y"]), st.lists(MATCHERS, max_size=2)), max_size=4),
    st.lists(st.tuples(st.sampled_from(["", "x", "y"]), st.lists(MATCHERS, max_size=2)), max_size=4),
    st.lists(LABELS, max_size=12),
)
def test_the_counts_are_those_of_the_rules(
    before: list[tuple[str, list[object]]], after: list[tuple[str, list[object]]], labels: list[dict[str, str]]
) -> None:
    """Each alert is counted once on each side, under the rule that it falls under; a change is a change of plan."""
    old, new = ruleset_of(before), ruleset_of(after)  # type: ignore[arg-type]  # matchers, drawn
    sent = [alert(each) for each in labels]
    report = backtest([Past(each) for each in sent], old, new)
    for side, ruleset in (("before", old), ("after", new)):
        rules = [rule_for(each, ruleset) for each in sent]
        wanted = Counter(rule.name if rule else UNMATCHED for rule in rules)
        assert {name: getattr(count, side) for name, count in report.rules.items() if getattr(count, side)} == wanted
    assert {id(change.alert) for change in report.changes} == {id(each) for each in sent if differs(each, old, new)}


def differs(sent: object, old: RuleSet, new: RuleSet) -> bool:
    """Return whether the two sets make another plan for an alert."""
    made = []
    for ruleset in (old, new):
        rule = rule_for(sent, ruleset)  # type: ignore[arg-type]  # an alert
        plan = plan_for(sent, rule, ruleset) if rule else None  # type: ignore[arg-type]  # an alert
        made.append(plan.digest if isinstance(plan, Plan) else None)
    return made[0] != made[1]
