"""What the simulation says is what the steps of an attempt do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.outcome import ActionStatus, Outcome
from lumen.plan import Approval, Escalation, Limits, Mode, Plan, PlannedAction, Refusal, Rollback, Verification
from lumen.probing import Judgement
from rules.model import Policy
from rules.testing.simulating import Cast, Given, Run, simulate
from tests.rules.documents import alert, plan, rules_of

ALICE, BOB, CAROL = (f"{name}@example.com" for name in ("alice", "bob", "carol"))
ONE = Approval(allow=(ALICE, BOB), timeout=600)
PLAN = Plan(
    rule="r",
    mode=Mode.APPROVE,
    dry_run=False,
    target="t",
    severity="",
    condition="",
    actions=(PlannedAction("a", "proof", {}), PlannedAction("b", "proof", {})),
    approval=ONE,
    cooldown=600,
    limits=Limits(),
)
UNDO = replace(
    PLAN, actions=tuple(replace(each, rollback=Rollback("proof", {})) for each in PLAN.actions), mode=Mode.AUTO
)


def ran(made: Plan | Refusal, asked: Given | None = None) -> Run:
    """Return how one attempt goes."""
    return simulate(alert(), made, Policy(people={ALICE: {"slack": "U012AB3CD"}}), asked or Given())


def yes(*people: str, at: float = 1.0) -> tuple[Cast, ...]:
    """Return a vote for it of each."""
    return tuple(Cast(person, "approve", at) for person in people)


@pytest.mark.parametrize(
    ("made", "asked", "path", "outcome"),
    [
        (Refusal("r", "no label"), Given(), "planning", "refused"),
        (PLAN, Given(votes=yes(ALICE)), "planning awaiting_approval executing", "remediated"),
        (PLAN, Given(), "planning awaiting_approval", "expired"),
        (PLAN, Given(votes=yes(ALICE, at=601)), "planning awaiting_approval", "expired"),
        (PLAN, Given(votes=yes(ALICE, at=600)), "planning awaiting_approval", "expired"),
        (PLAN, Given(votes=yes(ALICE), resolved=1.0), "planning awaiting_approval", "resolved"),
        (PLAN, Given(votes=yes(ALICE), resolved=2.0), "planning awaiting_approval executing", "remediated"),
        (PLAN, Given(votes=(Cast(BOB, "reject"), *yes(ALICE))), "planning awaiting_approval", "rejected"),
        (replace(PLAN, mode=Mode.AUTO), Given(), "planning executing", "remediated"),
        (replace(PLAN, mode=Mode.SHADOW, dry_run=True), Given(), "planning", "dry_run"),
        (replace(PLAN, dry_run=True), Given(votes=yes(ALICE)), "planning awaiting_approval", "dry_run"),
        (PLAN, Given(frozen=True), "planning blocked", ""),
        (replace(PLAN, condition="up"), Given(conditions=(None,)), "planning blocked", ""),
        (replace(PLAN, condition="up"), Given(conditions=(False,)), "planning", "condition_not_met"),
        (
            replace(PLAN, condition="up"),
            Given(conditions=(True, False), votes=yes(ALICE)),
            "planning awaiting_approval",
            "condition_not_met",
        ),
        (
            replace(PLAN, condition="up"),
            Given(conditions=(True, None), votes=yes(ALICE)),
            "planning awaiting_approval blocked",
            "",
        ),
        (replace(PLAN, has_target=True), Given(guard="cooling"), "planning", "suppressed"),
        (replace(PLAN, has_target=True), Given(guard="held"), "planning blocked", ""),
        (
            replace(PLAN, has_target=True, dry_run=True, mode=Mode.AUTO),
            Given(guard="held"),
            "planning",
            "dry_run",
        ),
        (replace(PLAN, limits=Limits(max_runs=1)), Given(guard="runs"), "planning", "suppressed"),
        (UNDO, Given(results={"b": ActionStatus.FAILED}), "planning executing rolling_back", "rolled_back"),
        (UNDO, Given(results={"b": ActionStatus.UNKNOWN}), "planning executing", "unknown"),
        (
            UNDO,
            Given(results={"a": ActionStatus.FAILED, "a/rollback": ActionStatus.FAILED}),
            "planning executing rolling_back",
            "failed",
        ),
        (
            UNDO,
            Given(results={"a": ActionStatus.FAILED, "b/rollback": ActionStatus.FAILED}),
            "planning executing rolling_back",
            "rolled_back",
        ),
        (
            replace(UNDO, verify=Verification("resolved", {})),
            Given(verify=Judgement.FAILED),
            "planning executing verifying rolling_back",
            "rolled_back",
        ),
        (
            replace(UNDO, verify=Verification("resolved", {})),
            Given(verify=Judgement.UNKNOWN),
            "planning executing verifying",
            "unknown",
        ),
        (
            replace(UNDO, rollback_approval=ONE),
            Given(results={"a": ActionStatus.FAILED}),
            "planning executing awaiting_approval",
            "failed",
        ),
        (
            replace(UNDO, rollback_approval=ONE),
            Given(results={"a": ActionStatus.FAILED}, rollback_votes=yes(BOB)),
            "planning executing awaiting_approval rolling_back",
            "rolled_back",
        ),
    ],
)
def test_an_attempt_goes_as_the_runbook_says(made: Plan | Refusal, asked: Given, path: str, outcome: str) -> None:
    """Every step, in the order of the workflow, with the outcome that it gives there."""
    run = ran(made, asked)
    assert (" ".join(run.path), run.outcome or "") == (path, outcome)


@pytest.mark.parametrize(
    ("approval", "votes", "outcome"),
    [
        (replace(ONE, approve=2), yes(ALICE, ALICE), "expired"),
        (replace(ONE, approve=2), yes(ALICE, "U012AB3CD"), "expired"),
        (replace(ONE, approve=2), yes(ALICE, BOB), "remediated"),
        (replace(ONE, approve=2, window=5), (*yes(ALICE), *yes(BOB, at=10)), "expired"),
        (ONE, yes(CAROL), "expired"),
        (replace(ONE, min_rank="slack"), (Cast(ALICE, "approve", 1, "link"),), "expired"),
        (replace(ONE, min_rank="slack"), yes(ALICE), "remediated"),
        (ONE, yes("anonymous"), "expired"),
        (replace(ONE, anonymous=True), yes("anonymous"), "remediated"),
        (replace(ONE, escalate=(Escalation(60, (CAROL,)),)), yes(CAROL, at=59), "expired"),
        (replace(ONE, escalate=(Escalation(60, (CAROL,)),)), yes(CAROL, at=60), "remediated"),
        (replace(ONE, escalate=(Escalation(60, (CAROL,)),), on_timeout="escalate"), yes(ALICE, at=600), "remediated"),
        (replace(ONE, escalate=(Escalation(60, (CAROL,)),), on_timeout="escalate"), yes(ALICE, at=700), "remediated"),
        (replace(ONE, escalate=(Escalation(60, (CAROL,)),), on_timeout="escalate"), yes(ALICE, at=1200), "expired"),
        (replace(ONE, on_timeout="approve"), (), "remediated"),
    ],
)
def test_votes_count_as_they_do_for_real(approval: Approval, votes: tuple[Cast, ...], outcome: str) -> None:
    """One person one vote, windows, ranks, escalations, and what silence means."""
    assert ran(replace(PLAN, approval=approval), Given(votes=votes)).outcome == outcome


def test_what_does_not_count_is_said() -> None:
    """A vote that is not allowed, one that is late, and a guard that the rule does not have."""
    asked = Given(guard="runs", votes=(*yes(CAROL), *yes(ALICE, at=2), *yes(BOB, at=3)))
    notes = ran(PLAN, asked).notes
    assert [note.split(": ")[0] for note in notes] == [
        "the rule has no guard that could say runs",
        "the vote of carol@example.com after 1 s does not count",
        "the vote of bob@example.com after 3 s came when it was decided",
    ]


PEOPLE = st.sampled_from([ALICE, BOB, CAROL, "mallory@example.com", "anonymous"])
VOTES = st.lists(
    st.builds(
        Cast,
        PEOPLE,
        st.sampled_from(["approve", "reject"]),
        st.floats(0, 1500),
        st.sampled_from(["", "signal", "oidc"]),
    ),
    max_size=8,
)


@given(
    VOTES,
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["reject", "escalate"]),
    st.one_of(st.none(), st.floats(0, 1500)),
)
def test_nothing_runs_without_enough_people(
    votes: list[Cast], approve: int, reject: int, on_timeout: str, resolved: float | None
) -> None:
    """Whatever is voted when: what runs had enough different allowed people for it, in time, before any resolve."""
    levels = (Escalation(60, (CAROL,)),)
    rules = replace(ONE, approve=approve, reject=reject, on_timeout=on_timeout, escalate=levels)
    run = ran(replace(PLAN, approval=rules), Given(votes=tuple(votes), resolved=resolved))
    assert run.outcome in {Outcome.REMEDIATED, Outcome.REJECTED, Outcome.EXPIRED, Outcome.RESOLVED}
    if run.outcome is Outcome.REMEDIATED:
        for_it = {
            vote.actor
            for vote in votes
            if vote.decision == "approve" and vote.at < rules.longest and vote.actor in rules.everyone
        }
        assert len(for_it) >= approve


def test_a_plan_of_real_rules_is_simulated(tmp_path: Path) -> None:
    """With the people of the policy."""
    ruleset = rules_of(tmp_path, "rules:\n  - alert: A\n    actions: [{proof: true}]\n")
    sent = alert({"severity": "critical"})
    asked = Given(votes=yes(ALICE, BOB))
    assert simulate(sent, plan(ruleset, sent), ruleset.policy, asked).outcome is Outcome.REMEDIATED
