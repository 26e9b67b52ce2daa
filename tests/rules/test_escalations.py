"""Who is asked later, who is reminded, who never votes: what rules and policy say about it, and what they may not say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.alert import SOURCE_REQUEST
from lumen.plan import Approval, Escalation
from rules.approvals import contradictory, impossible, without
from tests.rules.documents import POLICY, alert, plan, refusal, rules_of

RULE = "rules:\n  - alert: A\n    actions: [{proof: true}]\n"
ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
OWNED = POLICY + "owner_label: owner\n"


def test_escalations_are_sorted_and_their_groups_expanded(tmp_path: Path) -> None:
    """A plan holds addresses, in the order of time, whatever the order in the file."""
    late = "{after: 20m, allow: [group:sre, Boss@example.com]}"
    early = "{after: 5m, allow: [dave@example.com], channel: '#leads'}"
    own = f"    approval: {{escalate: [{late}, {early}]}}"
    made = plan(rules_of(tmp_path, RULE + own), alert()).approval
    assert made.escalate == (
        Escalation(300.0, ("dave@example.com",), "#leads"),
        Escalation(1200.0, (ALICE, BOB, "boss@example.com")),
    )


def test_a_severity_says_when_to_remind_and_whom_to_ask_later(tmp_path: Path) -> None:
    """All of it can be said once for a severity, and a rule replaces it key by key."""
    policy = POLICY.replace(
        "default: {approve: 1", "default: {remind: 10m, escalate: [{after: 5m, allow: [d@example.com]}], approve: 1"
    )
    made = plan(rules_of(tmp_path, RULE + "    approval: {remind: 20m}", policy=policy), alert()).approval
    assert (made.remind, made.escalate) == (1200.0, (Escalation(300.0, ("d@example.com",)),))


def test_what_an_episode_waits_for_is_part_of_the_digest(tmp_path: Path) -> None:
    """Another escalation, reminder or owner is another plan, so a vote on the old one is void."""
    lines = [
        "",
        "remind: 10m",
        "escalate: [{after: 5m, allow: [d@example.com]}]",
        "anonymous: true",
        "owner_label: owner",
    ]
    sent = alert({"owner": ALICE})
    digests = {plan(rules_of(tmp_path, RULE + f"    approval: {{{line}}}"), sent).digest for line in lines}
    assert len(digests) == len(lines)


@pytest.mark.parametrize("name", [ALICE, "ALICE@example.com", "U012AB3CD", " u012ab3cd ", f"x@example.com, {ALICE}"])
def test_the_owner_of_the_alert_does_not_vote(tmp_path: Path, name: str) -> None:
    """The label may hold an address in any case, a Slack id that the policy knows, or several people."""
    made = plan(rules_of(tmp_path, RULE, policy=OWNED), alert({"owner": name})).approval
    assert made.allow == (BOB, CAROL)
    assert made.barred == (ALICE,)


@pytest.mark.parametrize("labels", [{}, {"owner": ""}, {"owner": "team-db"}, {"other": ALICE}])
def test_an_owner_whom_nobody_knows_bars_nobody(tmp_path: Path, labels: dict[str, str]) -> None:
    """A label that is missing, or names no approver, changes neither list nor digest."""
    rules = rules_of(tmp_path, RULE, policy=OWNED)
    made = plan(rules, alert(labels))
    assert made.approval.allow == (ALICE, BOB, CAROL)
    assert made.digest == replace(plan(rules, alert()), target=made.target).sealed(rules.digest).digest


def test_the_owner_is_barred_from_every_escalation(tmp_path: Path) -> None:
    """Waiting does not make an owner an approver."""
    own = f"    approval: {{escalate: [{{after: 5m, allow: [{ALICE}, dave@example.com]}}, {{after: 6m, allow: [{ALICE}]}}]}}"
    made = plan(rules_of(tmp_path, RULE + own, policy=OWNED), alert({"owner": ALICE})).approval
    assert ALICE not in made.everyone
    assert made.escalate == (Escalation(300.0, ("dave@example.com",)), Escalation(360.0, ()))


def test_a_rule_may_name_another_label_for_its_owner(tmp_path: Path) -> None:
    """A rule's own label replaces that of the policy."""
    rules = rules_of(tmp_path, RULE + "    approval: {owner_label: service_owner}", policy=OWNED)
    assert plan(rules, alert({"owner": ALICE, "service_owner": BOB})).approval.allow == (ALICE, CAROL)


def test_too_few_people_without_the_owner_is_a_refusal_that_says_so(tmp_path: Path) -> None:
    """Nobody is asked in vain: the reason names the owner and what is missing."""
    rules = rules_of(tmp_path, RULE + f"    approval: {{approve: 2, allow: [{ALICE}, {BOB}]}}", policy=OWNED)
    said = refusal(rules, alert({"owner": ALICE}))
    assert f"{ALICE} owns this (owner_label), and so does not vote; " in said
    assert "2 people must approve and only 1 may vote" in said


def test_owner_and_requester_are_both_barred(tmp_path: Path) -> None:
    """Who asks is barred too, by their address where the request names a Slack id."""
    rules = rules_of(tmp_path, RULE + "    approval: {escalate: [{after: 5m, allow: [group:sre]}]}", policy=OWNED)
    asked = replace(alert({"owner": BOB, "requested_by": "U012AB3CD"}), source=SOURCE_REQUEST)
    made = plan(rules, asked).approval
    assert (made.allow, made.escalate[0].allow, made.barred) == ((CAROL,), (), (ALICE, BOB))


def test_an_owner_cannot_hide_behind_an_odd_sign(tmp_path: Path) -> None:
    """A refusal shows names with their control characters escaped."""
    rules = rules_of(tmp_path, RULE + f"    approval: {{approve: 1, allow: [{ALICE}]}}", policy=OWNED)
    assert "\x1b" not in refusal(rules, alert({"owner": f"{ALICE}\x1b[2J,{ALICE}"}))


@pytest.mark.parametrize("severity", ["critical", "Critical", " CRITICAL "])
def test_nobody_votes_without_a_name_on_a_critical_alert(tmp_path: Path, severity: str) -> None:
    """A rule for every severity that takes anonymous votes is warned, and takes none where it is critical."""
    rules = rules_of(tmp_path, RULE + "    approval: {anonymous: true, approve: 1, reject: 1}")
    assert plan(rules, alert({"severity": "warning"})).approval.anonymous
    assert not plan(rules, alert({"severity": severity})).approval.anonymous
    assert [line for line in rules.warnings if "critical alerts of this rule take no anonymous votes" in line]


@pytest.mark.parametrize(
    ("own", "warning"),
    [
        ("anonymous: true, approve: 2", "4:27: who votes by name can vote once more by an anonymous link"),
        ("anonymous: true, min_rank: slack", "4:27: no anonymous vote counts: min_rank is slack"),
        ("remind: 1h", "4:24: no reminder comes: the request ends after 3600 s"),
        (
            "approve: 3, allow: [group:sre], escalate: [{after: 5m, allow: [carol@example.com]}]",
            "4:25: 3 people must approve and 2 may vote before an escalation",
        ),
        ("escalate: [{after: 5m, allow: [group:sre]}]", "4:26: the escalation after 300 s adds nobody"),
    ],
)
def test_what_is_most_likely_not_meant_is_warned_about(tmp_path: Path, own: str, warning: str) -> None:
    """It is allowed, and said where it stands."""
    text = RULE + f"    approval: {{{own}}}\n    match: ['severity!=critical']"
    warnings = rules_of(tmp_path, text).warnings
    assert [line for line in warnings if line.startswith(f"{tmp_path}/rules.yaml:{warning}")]


def test_people_of_an_escalation_make_a_quorum_possible(tmp_path: Path) -> None:
    """Whoever may vote in the end is counted; nobody at the beginning is still refused."""
    own = "    approval: {approve: 3, allow: [group:sre], escalate: [{after: 5m, allow: [carol@example.com]}]}"
    assert plan(rules_of(tmp_path, RULE + own), alert()).approval.approve == 3
    assert impossible(Approval(escalate=(Escalation(5.0, (ALICE,)),))) is not None


PEOPLE = st.lists(st.sampled_from([ALICE, BOB, CAROL, "dave@example.com"]), unique=True).map(tuple)
LEVELS = st.lists(st.builds(Escalation, st.floats(1, 7200), PEOPLE), max_size=4).map(
    lambda levels: tuple(sorted(levels, key=lambda level: level.after))
)
APPROVALS = st.builds(Approval, approve=st.integers(1, 4), allow=PEOPLE, escalate=LEVELS, remind=st.floats(60, 7200))


@given(APPROVALS, st.frozensets(st.sampled_from([ALICE, BOB, "nobody@example.com", ""])), st.floats(0, 9000))
def test_whoever_is_barred_may_vote_at_no_time(approval: Approval, people: frozenset[str], waited: float) -> None:
    """At every moment those who may vote are the ones of before without the barred, who are named."""
    left = without(approval, people)
    assert set(left.allowed(left.escalated(waited))) == set(approval.allowed(approval.escalated(waited))) - people
    assert set(left.barred) == set(approval.everyone) & people


@given(APPROVALS)
def test_what_is_accepted_can_happen(approval: Approval) -> None:
    """Without a contradiction every escalation comes before the deadline, and reminders stay countable."""
    if not list(contradictory(approval)):
        assert all(level.after < approval.timeout for level in approval.escalate)
        assert approval.timeout / approval.remind <= 100
    if impossible(approval) is None:
        assert approval.allow
        assert len(approval.everyone) >= approval.approve
