"""Who must agree: policy, severity and rule, laid over each other key by key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import Approval
from rules.approvals import impossible, resolved
from rules.loader import load
from rules.model import ApprovalRule, Policy
from tests.rules.documents import POLICY, alert, plan, refusal, rules_of, write

RULE = "rules:\n  - alert: A\n    actions: [{proof: true}]\n"
PEOPLE = ("alice@example.com", "bob@example.com", "carol@example.com")


@pytest.mark.parametrize(
    ("severity", "approve"),
    [("critical", 2), ("Critical", 2), (" CRITICAL", 2), ("warning", 1), ("", 1), ("page", 1)],
)
def test_a_rule_without_approval_uses_the_policy_of_its_severity(tmp_path: Path, severity: str, approve: int) -> None:
    """Severities are compared in lower case, so that another spelling cannot weaken the quorum."""
    made = plan(rules_of(tmp_path, RULE), alert({"severity": severity})).approval
    assert made == Approval(approve, 1, PEOPLE, 900, 3600, 900, "reject", "link", "")


def test_a_rule_overrides_key_by_key(tmp_path: Path) -> None:
    """What the rule does not say stays as the severity and the policy have it."""
    rules = rules_of(tmp_path, RULE + "    approval: {reject: 2, timeout: 5m, channel: '#x'}")
    made = plan(rules, alert({"severity": "critical"})).approval
    assert made == Approval(2, 2, PEOPLE, 900, 300, 900, "reject", "link", "#x")


def test_groups_are_expanded_to_distinct_people(tmp_path: Path) -> None:
    """Addresses come out in lower case, sorted, each once, however often they were reached."""
    rules = rules_of(tmp_path, RULE + "    approval: {allow: [group:sre, ALICE@example.com, dave@example.com]}")
    assert plan(rules, alert()).approval.allow == ("alice@example.com", "bob@example.com", "dave@example.com")


def test_a_severity_may_say_more_than_thresholds(tmp_path: Path) -> None:
    """All keys of approval can be set for a severity."""
    policy = POLICY.replace("{approve: 2, reject: 1}", "{approve: 1, allow: [group:sre], min_rank: oidc, timeout: 2h}")
    made = plan(rules_of(tmp_path, RULE, policy=policy), alert({"severity": "critical"})).approval
    assert (made.approve, made.allow, made.min_rank, made.timeout) == (1, PEOPLE[:2], "oidc", 7200)


def test_unnamed_severities_are_treated_as_the_strictest_if_there_is_no_default(tmp_path: Path) -> None:
    """Leaving out ``default`` cannot weaken the quorum, and is warned about."""
    policy = POLICY.replace("  default: {approve: 1, reject: 1}\n", "")
    rules = rules_of(tmp_path, RULE, policy=policy)
    assert plan(rules, alert({"severity": "odd"})).approval.approve == 2
    assert any("no severity called default" in line for line in rules.warnings)


@pytest.mark.parametrize(
    ("rank", "line", "expected"),
    [("signal", "", "signal"), ("signal", "min_rank: slack", "slack"), ("link", "", "link")],
)
def test_the_weakest_rank_comes_from_the_installation(tmp_path: Path, rank: str, line: str, expected: str) -> None:
    """A rule that does not say takes the default of the installation."""
    write(tmp_path, rules=RULE + f"    approval: {{{line}}}")
    assert plan(load(tmp_path, default_min_rank=rank), alert()).approval.min_rank == expected


def test_only_severities_that_can_match_are_considered(tmp_path: Path) -> None:
    """A rule whose matchers exclude critical may have fewer people than critical needs."""
    own = "    approval: {allow: [alice@example.com]}\n    match: ['severity!=critical']"
    rules = rules_of(tmp_path, RULE + own)
    assert plan(rules, alert({"severity": "warning"})).approval.allow == ("alice@example.com",)


def test_a_pinned_severity_is_the_only_one_considered(tmp_path: Path) -> None:
    """A rule for one severity does not have to satisfy what holds for all others."""
    policy = POLICY.replace("default: {approve: 1", "default: {approve: 3")
    own = "    approval: {allow: [alice@example.com]}\n    match: [severity=warning]"
    assert rules_of(tmp_path, RULE + own, policy=policy).rules[0].approval.allow == ("alice@example.com",)


def test_an_odd_spelling_of_critical_is_refused_when_it_comes(tmp_path: Path) -> None:
    """What the load could not know is refused by the plan, in words."""
    own = "    approval: {allow: [alice@example.com]}\n    match: ['severity!=critical']"
    said = refusal(rules_of(tmp_path, RULE + own), alert({"severity": "Critical"}))
    assert 'severity "Critical": 2 people must approve and only 1 may vote' in said


def test_a_policy_is_not_needed_where_the_rules_name_people(tmp_path: Path) -> None:
    """Without a policy every rule that asks must say whom."""
    rules = rules_of(tmp_path, RULE + "    approval: {allow: [x@example.com]}", policy="")
    assert plan(rules, alert()).approval.allow == ("x@example.com",)


@pytest.mark.parametrize(("mode", "warned"), [("shadow", False), ("auto", True)])
def test_rules_that_ask_nobody_need_nobody(tmp_path: Path, mode: str, warned: bool) -> None:
    """An auto rule is warned: after an unknown result only a vote lets it try again."""
    rules = rules_of(tmp_path, RULE + f"    mode: {mode}", policy="")
    assert plan(rules, alert()).approval.allow == ()
    assert any("no vote can follow an unknown result" in line for line in rules.warnings) is warned


@pytest.mark.parametrize(
    ("actor", "person"),
    [
        ("Alice@Example.com", "alice@example.com"),
        ("U012AB3CD", "alice@example.com"),
        (" u012ab3cd ", "alice@example.com"),
        ("U999", "u999"),
        ("", ""),
    ],
)
def test_one_person_has_one_name(tmp_path: Path, actor: str, person: str) -> None:
    """A Slack id that the policy knows is the person's address; everything else is compared in lower case."""
    assert rules_of(tmp_path, RULE).policy.principal(actor) == person


def test_a_person_without_slack_id_is_nobody_in_slack() -> None:
    """An empty actor does not match an empty id."""
    assert Policy(people={"a@example.com": {}}).principal("") == ""


def test_commands_are_read(tmp_path: Path) -> None:
    """What ``/commands`` may send is in the policy."""
    assert rules_of(tmp_path, RULE).policy.commands == ("restart-exporter", "reduce-gain")


NAMES = st.sampled_from(["a@e.com", "b@e.com", "c@e.com", "group:g", "group:empty"])
APPROVALS = st.builds(
    ApprovalRule,
    approve=st.none() | st.integers(1, 4),
    reject=st.none() | st.integers(1, 4),
    allow=st.none() | st.lists(NAMES).map(tuple),
    min_rank=st.none() | st.sampled_from(["signal", "oidc"]),
)


@given(APPROVALS, APPROVALS, st.sampled_from(["critical", "Critical", "x", ""]))
def test_what_is_said_nearest_holds(of_severity: ApprovalRule, own: ApprovalRule, severity: str) -> None:
    """For every key: the rule, else the severity, else the policy, else the built-in default."""
    policy = Policy(
        allowlist=("a@e.com",),
        severity={"critical": of_severity, "default": of_severity},
        groups={"g": ("a@e.com", "d@e.com")},
    )
    made = resolved(policy, severity, own)
    assert made.approve == (own.approve or of_severity.approve or 1)
    assert made.reject == (own.reject or of_severity.reject or 1)
    assert made.min_rank == (own.min_rank or of_severity.min_rank or "link")
    assert list(made.allow) == sorted(set(made.allow))
    assert not any(entry.startswith("group:") for entry in made.allow)
    assert (impossible(made) is None) is (0 < max(made.approve, made.reject) <= len(made.allow))


@pytest.mark.parametrize(
    ("policy", "rule", "expected"),
    [
        ("timeout: 59", "", "policy.yaml:2:10: people have 59 s to decide"),
        ("timeout: 60", "", None),
        ("quorum_window_sec: 5", "", None),
        ("severity: {default: {approve: 2, window: 5}}", "", "policy.yaml:2:42: 2 people must approve within 5 s"),
        (
            "quorum_window_sec: 5\nseverity: {default: {approve: 2}}",
            "",
            "policy.yaml:2:20: 2 people must approve within",
        ),
        ("severity: {default: {valid_for: 1}}", "", "policy.yaml:2:33: a decision lapses after 1 s"),
        ("timeout: 1h", "    approval: {timeout: 9}\n", "rules.yaml:4:25: people have 9 s to decide"),
        ("timeout: 1h", "    approval: {timeout: 9}\n    mode: shadow\n", None),
    ],
)
def test_times_that_are_too_short_for_people_are_warned_about(
    tmp_path: Path, policy: str, rule: str, expected: str | None
) -> None:
    """They are allowed, said once, and said where they stand."""
    head = "approver_allowlist: [a@example.com, b@example.com]\n"
    warnings = rules_of(tmp_path, RULE + rule, policy=head + policy).warnings
    assert len(warnings) == (expected is not None)
    assert all(line.startswith(f"{tmp_path}/{expected}") for line in warnings)
