"""A person asks for a rule: the labels that select exactly it, or every thing that is missing for that."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumen.alert import Alert, fingerprint
from lumen.errors import IncompleteRequestError, OtherRuleError, UnknownRuleError
from lumen.plan import Plan
from rules.match import rule_for
from rules.model import RuleSet
from rules.planner import plan_for
from rules.requesting import Wish, alert_for
from tests.rules.documents import rules_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DISK = """\
rules:
  - name: disk-full
    alert: DiskFull
    match: ['severity="critical"', 'tier=~"gold|silver"', 'env!="dev"', 'team!~"x.*"']
    target: "{labels.instance}"
    when: 'node_filesystem_avail_bytes{mount="{labels.mount}"} < 5e9'
    actions:
      - {name: grow, cmd: [/bin/grow, "/dev/{labels.vg}/data", "{annotations.by}"]}
      - http: {url: "https://h.example.com/{labels.vg}", headers: {X-A: "{labels.token}"}}
"""
WHOLE = {"tier": "gold", "mount": "/data", "vg": "data", "token": "t"}


def asked(ruleset: RuleSet, rule: str, target: str = "", **labels: str) -> Alert:
    """Return the alert of a request of alice."""
    return alert_for(Wish(rule, "alice@example.com", target, labels, {"by": "10G"}, "the release"), ruleset, NOW)


def refused(ruleset: RuleSet, rule: str, target: str = "", **labels: str) -> str:
    """Return why a request cannot be carried out."""
    with pytest.raises(IncompleteRequestError) as error:
        asked(ruleset, rule, target, **labels)
    return str(error.value)


def test_the_alert_is_made_of_the_rule_and_of_what_was_given(tmp_path: Path) -> None:
    """Name, equality matchers, target, given labels and requester become labels; the reason becomes an annotation."""
    alert = asked(rules_of(tmp_path, DISK), "disk-full", "host1:9100", **WHOLE)
    assert alert.labels == {
        **WHOLE,
        "alertname": "DiskFull",
        "severity": "critical",
        "instance": "host1:9100",
        "requested_by": "alice@example.com",
    }
    assert alert.annotations == {"by": "10G", "reason": "the release"}
    assert (alert.source, alert.requester, alert.firing) == ("request", "alice@example.com", True)
    assert alert.key == f"request-{fingerprint(alert.labels)}"
    assert (alert.received_at, alert.starts_at) == (NOW, "2026-03-01T12:00:00.000Z")


def test_the_same_wish_is_the_same_episode_and_another_person_another(tmp_path: Path) -> None:
    """When and why it was asked is no part of the key; who asked is."""
    ruleset = rules_of(tmp_path, DISK)
    first = asked(ruleset, "disk-full", "host1", **WHOLE)
    later = alert_for(
        Wish("disk-full", "alice@example.com", "host1", WHOLE, {"by": "20G"}), ruleset, NOW.replace(hour=13)
    )
    other = alert_for(Wish("disk-full", "bob@example.com", "host1", WHOLE, {"by": "10G"}), ruleset, NOW)
    assert first.key == later.key != other.key


def test_everything_that_is_missing_is_named_with_the_option_that_gives_it(tmp_path: Path) -> None:
    """Labels for matchers, target, condition and every place of the actions, and annotations, in one refusal."""
    ruleset = rules_of(tmp_path, DISK)
    with pytest.raises(IncompleteRequestError) as error:
        alert_for(Wish("disk-full", "alice@example.com"), ruleset, NOW)
    text = str(error.value)
    for wanted in (
        'give -l tier=… that fits its match tier=~"gold|silver"',
        "give --target … or -l instance=… (target)",
        "give -l mount=… (when)",
        'give -l vg=… (action "grow")',
        'give --annotation by=… (action "grow")',
        'give -l token=… (action "action-2")',
    ):
        assert text.count(wanted) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"severity": "warning"}, 'does not fit its match severity="critical"'),
        ({"tier": "lead"}, 'does not fit its match tier=~"gold|silver"'),
        ({"env": "dev"}, 'does not fit its match env!="dev"'),
        ({"team": "x1"}, 'does not fit its match team!~"x.*"'),
        ({"alertname": "Other"}, "leave -l alertname out"),
        ({"requested_by": "bob@example.com"}, "are filled in: leave them out"),
        ({"instance": "host2"}, "--target and -l instance=… say different things"),
        ({"vg": ""}, "give -l vg=…"),
        ({"vg": "-rf"}, "does not match its pattern"),
    ],
)
def test_what_does_not_fit_the_rule_is_refused(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    """A value that the rule's matchers, target or patterns do not take is named with what it violates."""
    assert said in refused(rules_of(tmp_path, DISK), "disk-full", "host1", **(WHOLE | changed))


def test_the_reason_is_no_annotation_that_a_person_sets(tmp_path: Path) -> None:
    """It has an option of its own."""
    with pytest.raises(IncompleteRequestError, match="filled in"):
        alert_for(Wish("disk-full", "a", annotations={"reason": "x"}), rules_of(tmp_path, DISK), NOW)


TARGETS = """\
rules:
  - {name: none, alert: None, actions: [{proof: true}]}
  - {name: fixed, alert: Fixed, target: cluster, actions: [{proof: true}]}
  - {name: two, alert: Two, target: "{labels.a}/{labels.b}", actions: [{proof: true}]}
  - {name: note, alert: Note, target: "{annotations.host}", actions: [{proof: true}]}
"""


def test_a_target_is_taken_where_one_label_is_the_whole_of_it(tmp_path: Path) -> None:
    """Anywhere else the labels decide, and a target that says otherwise is refused with what it would be."""
    ruleset = rules_of(tmp_path, TARGETS)
    assert "it has no target" in refused(ruleset, "none", "host1")
    assert asked(ruleset, "none").labels == {"alertname": "None", "requested_by": "alice@example.com"}
    assert asked(ruleset, "fixed", "cluster").key == asked(ruleset, "fixed").key
    assert 'its target is "cluster"' in refused(ruleset, "fixed", "other")
    assert asked(ruleset, "two", "x/y", a="x", b="y").labels["a"] == "x"
    assert 'its target is "x/z"' in refused(ruleset, "two", "x/y", a="x", b="z")
    assert "give -l a=… (target); give -l b=… (target)" in refused(ruleset, "two", "x/y")
    assert "give --annotation host=… (target)" in refused(ruleset, "note", "host1")


NAMES = """\
rules:
  - {name: pages, match: ['severity="page"'], actions: [{proof: true}]}
  - {name: named, match: ['alertname="Exact"', 'severity=""'], actions: [{proof: true}]}
  - {name: like, match: ['alertname=~"Disk.*"', 'severity="x"'], actions: [{proof: true}]}
  - {name: machines-only, alert: Machines, match: ['requested_by=""'], actions: [{proof: true}]}
"""


def test_a_rule_without_an_alert_name_gets_one_that_it_takes(tmp_path: Path) -> None:
    """From an equality matcher, else the rule's own name where its matchers take that, else the person says it."""
    ruleset = rules_of(tmp_path, NAMES)
    assert asked(ruleset, "pages").name == "pages"
    assert asked(ruleset, "pages", alertname="Anything").name == "Anything"
    assert asked(ruleset, "named").name == "Exact"
    assert 'give -l alertname=… that fits its match alertname=~"Disk.*"' in refused(ruleset, "like")
    assert asked(ruleset, "like", alertname="DiskSlow").name == "DiskSlow"


def test_a_rule_can_be_closed_to_requests(tmp_path: Path) -> None:
    """A matcher on `requested_by` decides who may ask, like any other matcher."""
    assert 'requested_by=""' in refused(rules_of(tmp_path, NAMES), "machines-only")


def test_an_unknown_rule_names_the_nearest(tmp_path: Path) -> None:
    """A misspelt name gets the names near it, any other the names that there are."""
    ruleset = rules_of(tmp_path, DISK)
    with pytest.raises(UnknownRuleError, match=r'no rule "disk-ful": did you mean disk-full\?'):
        asked(ruleset, "disk-ful")
    with pytest.raises(UnknownRuleError, match=r'there is no rule "\\x1bzzz"; there are disk-full'):
        asked(ruleset, "\x1bzzz")


def test_a_rule_that_matches_first_is_named(tmp_path: Path) -> None:
    """The labels go through the same first match as those of an alert; another rule before is a conflict."""
    ruleset = rules_of(
        tmp_path,
        """\
rules:
  - {name: early, match: ['instance="host1"'], actions: [{proof: true}]}
  - {name: late, alert: Late, target: "{labels.instance}", actions: [{proof: true}]}
""",
    )
    with pytest.raises(OtherRuleError, match='under the rule "early", which stands before "late"'):
        asked(ruleset, "late", "host1")
    assert asked(ruleset, "late", "host2").labels["instance"] == "host2"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rule=st.sampled_from(["disk-full", "disk-ful", ""]),
    target=st.text(max_size=8),
    labels=st.dictionaries(
        st.sampled_from([*WHOLE, "instance", "env", "severity", "alertname"]), st.text(max_size=6), max_size=8
    ),
)
def test_what_is_accepted_is_planned_by_this_rule(
    tmp_path: Path, rule: str, target: str, labels: dict[str, str]
) -> None:
    """Whatever a person types: either a refusal in one printable line, or an alert that this very rule can plan."""
    ruleset = rules_of(tmp_path, DISK)
    alert, wrong = None, ""
    try:
        alert = asked(ruleset, rule, target, **labels)
    except (IncompleteRequestError, UnknownRuleError) as error:
        wrong = str(error)
    if alert is None:
        assert re.fullmatch(r"[^\x00-\x1f\x7f]+", wrong)
        return
    found = rule_for(alert, ruleset)
    assert found is not None
    assert found.name == rule
    assert isinstance(plan_for(alert, found, ruleset), Plan)


def test_who_asks_does_not_vote(tmp_path: Path) -> None:
    """An alert asks everybody on the list, a request all but its requester; a label in an alert takes nobody's vote."""
    ruleset = rules_of(tmp_path, DISK)
    wish = asked(ruleset, "disk-full", "host1", **WHOLE)
    found = [plan_for(one, ruleset.rules[0], ruleset) for one in (wish, replace(wish, source="alertmanager"))]
    of_request, of_alert = (plan.approval.allow for plan in found if isinstance(plan, Plan))
    assert "alice@example.com" in of_alert
    assert of_request == tuple(person for person in of_alert if person != "alice@example.com")


def test_nobody_left_to_vote_is_said_at_once(tmp_path: Path) -> None:
    """Where only the requester may vote nothing is started, and the answer says why."""
    alone = "approval: {allow: [alice@example.com], approve: 1}"
    text = f"rules: [{{alert: Alone, {alone}, actions: [{{name: x, cmd: [/bin/true]}}]}}]"
    said = refused(rules_of(tmp_path, text), "Alone")
    assert "alice@example.com asked, and so does not vote" in said
    assert "nobody may approve" in said
