"""Random rule sets, policies, votes and clocks: nothing runs without a quorum in its window, and every attempt ends once.

What the votes amount to is counted here a second time, from a plain list of everything that was ever said.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from lumen.alert import REQUESTED_BY, SOURCE_REQUEST, Alert
from lumen.errors import RulesError
from lumen.outcome import ActionStatus, Outcome, State
from lumen.plan import Approval, Mode, Plan
from lumen.probing import Judgement
from rules.loader import load
from rules.match import rule_for
from rules.model import Policy, RuleSet
from rules.planner import plan_for
from rules.testing.simulating import Cast, Given, Run, simulate

PEOPLE = [f"p{number}@example.com" for number in range(5)]
SLACK = "U012AB3CD"
RANKS = ["signal", "token", "link", "slack", "oidc"]
NAMES = ["first", "second", "third"]
TIMES = st.integers(0, 12).map(lambda minutes: minutes * 60.0)

_people = st.lists(st.sampled_from([*PEOPLE, "group:sre", "group:leads"]), min_size=2, max_size=5, unique=True)
_approval = st.fixed_dictionaries(
    {"allow": _people},
    optional={
        "approve": st.integers(1, 2),
        "reject": st.integers(1, 2),
        "window": st.integers(1, 6).map(lambda minutes: f"{minutes}m"),
        "timeout": st.integers(6, 14).map(lambda minutes: f"{minutes}m"),
        "on_timeout": st.sampled_from(["reject", "escalate", "approve"]),
        "min_rank": st.sampled_from([*RANKS[:3], "link"]),
        "anonymous": st.booleans(),
        "escalate": st.lists(
            st.fixed_dictionaries({"after": st.integers(1, 5).map(lambda minutes: f"{minutes}m"), "allow": _people}),
            max_size=2,
        ),
    },
)
_action = st.fixed_dictionaries({"cmd": st.just(["/bin/true"])}, optional={"rollback": st.just({"cmd": ["/bin/true"]})})
_rule = st.fixed_dictionaries(
    {
        "actions": st.lists(_action, min_size=1, max_size=3).map(
            lambda actions: [{**action, "name": name} for action, name in zip(actions, NAMES, strict=False)]
        ),
        "mode": st.sampled_from([*["approve"] * 5, "auto", "auto", "shadow"]),
    },
    optional={
        "approval": _approval,
        "rollback_approval": _approval,
        "verify": st.just({"resolved": True}),
        "when": st.just("up == 0"),
        "match": st.just(['severity="critical"']),
        "target": st.sampled_from(["host", "host", "{labels.instance}"]),
        "dry_run": st.sampled_from([False, False, True]),
        "limits": st.just({"max_runs": 3}),
    },
)
_policy = st.fixed_dictionaries(
    {
        "approver_allowlist": _people,
        "groups": st.just({"sre": PEOPLE[:2], "leads": PEOPLE[2:4]}),
        "people": st.just({PEOPLE[0]: {"slack": SLACK}}),
        "severity": st.just({"critical": {"approve": 2}, "default": {"approve": 1}}),
    },
    optional={"quorum_window_sec": st.integers(60, 1800), "timeout": st.integers(120, 3600)},
)
_cast = st.builds(
    Cast,
    st.sampled_from([*PEOPLE, *PEOPLE, SLACK, "P1@Example.com", "mallory@example.com", "anonymous"]),
    st.sampled_from(["approve", "approve", "approve", "reject"]),
    TIMES,
    st.sampled_from(["", "", "", "", *RANKS]),
)
_votes = st.lists(_cast, min_size=1, max_size=8).map(tuple)
_status = st.sampled_from([ActionStatus.SUCCEEDED, ActionStatus.SUCCEEDED, ActionStatus.FAILED, ActionStatus.UNKNOWN])
_given = st.builds(
    Given,
    conditions=st.lists(st.sampled_from([*[True] * 6, False, None]), min_size=1, max_size=2).map(tuple),
    guard=st.sampled_from([*["free"] * 9, "held", "cooling", "runs"]),
    frozen=st.sampled_from([*[False] * 9, True]),
    results=st.dictionaries(st.sampled_from([*NAMES, *(f"{name}/rollback" for name in NAMES)]), _status, max_size=4),
    resolved=st.sampled_from([None, None, None, 0.0, 240.0, 600.0]),
    votes=_votes,
    verify=st.sampled_from([*Judgement, Judgement.FAILED]),
    rollback_votes=_votes,
)
_labels = st.fixed_dictionaries(
    {"alertname": st.just("A"), "severity": st.sampled_from(["critical", "warning"])},
    optional={"instance": st.just("h1"), REQUESTED_BY: st.sampled_from(PEOPLE)},
)


def loaded(policy: dict[str, Any], rules: Sequence[dict[str, Any]]) -> RuleSet:
    """Load a rule set as from a folder; one that the language refuses is no example."""
    named = [{"name": f"r{number}", "alert": "A", **rule} for number, rule in enumerate(rules)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "policy.yaml").write_text(json.dumps(policy))
        (Path(folder) / "rules.yaml").write_text(json.dumps({"rules": named}))
        try:
            return load(Path(folder))
        except RulesError:
            assume(False)
            raise


def firing(labels: dict[str, str]) -> Alert:
    """Return the alert; one that somebody asked for comes from that source."""
    source = SOURCE_REQUEST if REQUESTED_BY in labels else "alertmanager"
    return Alert(source, "0123456789abcdef", labels, datetime(2026, 1, 1, tzinfo=UTC))


def may_vote(cast: Cast, rules: Approval, policy: Policy, extended: bool) -> bool:
    """Whether a vote counts: on a list that is in force at its time, and well enough known."""
    person = policy.principal(cast.actor)
    lists = [rules.allow, *(level.allow for level in rules.escalate if extended or level.after <= cast.at)]
    listed = any(person in people for people in lists)
    if person == "anonymous":
        listed = rules.anonymous and cast.rank in {"", "link"}
    return listed and RANKS.index(cast.rank or rules.min_rank) >= RANKS.index(rules.min_rank)


def decided(rules: Approval, policy: Policy, votes: Sequence[Cast], resolved: float | None) -> str:
    """Return what comes of a request, counted anew at each vote: ``approved``, ``rejected``, ``resolved`` or ``expired``."""
    deadline = rules.timeout * (2 if rules.on_timeout == "escalate" else 1)
    said: list[tuple[str, str, float]] = []
    for cast in sorted(votes, key=lambda cast: cast.at):
        if resolved is not None and resolved <= cast.at:
            break
        if cast.at >= deadline:
            return "expired"
        extended = rules.on_timeout == "escalate" and cast.at >= rules.timeout
        if may_vote(cast, rules, policy, extended):
            said.append((policy.principal(cast.actor), cast.decision, cast.at))
        if (status := counted(rules, said)) != "pending":
            return status
    return "resolved" if resolved is not None and resolved < deadline else "expired"


def counted(rules: Approval, said: Sequence[tuple[str, str, float]]) -> str:
    """Return what was said amounts to at the time of the newest: the last word of each person, unless it has lapsed."""
    now = max((at for _, _, at in said), default=0.0)
    sides: dict[str, set[str]] = {"approve": set(), "reject": set()}
    for person in {person for person, _, _ in said}:
        last = max(at for name, _, at in said if name == person)
        words = {word for name, word, at in said if name == person and at == last}
        if now - last < rules.window:
            sides["reject" if "reject" in words else "approve"].add(person)
    if len(sides["reject"]) >= rules.reject:
        return "rejected"
    return "approved" if len(sides["approve"]) >= rules.approve else "pending"


def check_ended_once(run: Run) -> None:
    """Every attempt has exactly one outcome, or waits visibly for something outside; it never goes back."""
    assert (run.outcome is None) == (run.path[-1] is State.BLOCKED), run
    assert run.outcome is None or run.outcome in Outcome
    order = [State.PLANNING, State.EXECUTING, State.VERIFYING, State.ROLLING_BACK]
    ranks = [order.index(state) for state in run.path if state in order]
    assert ranks == sorted(set(ranks)), run


def check_decided(plan: Plan, policy: Policy, world: Given, run: Run) -> None:
    """What runs was decided by a quorum, is in auto mode, or says of itself that silence is a yes; a dry run never runs."""
    asked = State.AWAITING_APPROVAL in run.path[:2]
    verdict = decided(plan.approval, policy, world.votes, world.resolved)
    if State.EXECUTING in run.path:
        assert not plan.dry_run
        assert plan.mode is not Mode.SHADOW
        silence = verdict == "expired" and plan.approval.on_timeout == "approve" and plan.severity != "critical"
        assert plan.mode is Mode.AUTO or verdict == "approved" or silence, (verdict, run)
    if asked and plan.mode is Mode.APPROVE and verdict in {"rejected", "resolved"}:
        assert run.outcome == Outcome(verdict), run
    if asked and verdict == "expired" and plan.approval.on_timeout != "approve":
        assert run.outcome is Outcome.EXPIRED, run


def check_undone(plan: Plan, policy: Policy, world: Given, run: Run) -> None:
    """Only what failed is undone, only what had begun, and only if those who are asked about it agree."""
    if State.ROLLING_BACK not in run.path:
        assert run.outcome is not Outcome.ROLLED_BACK
        return
    status = [world.results.get(action.name, ActionStatus.SUCCEEDED) for action in plan.actions]
    bad = next((number for number, one in enumerate(status) if one is not ActionStatus.SUCCEEDED), len(status) - 1)
    begun = plan.actions[: bad + 1]
    assert status[bad] is ActionStatus.FAILED or (plan.verify and world.verify is Judgement.FAILED), run
    undo = [action.undo.name for action in begun if action.undo is not None]
    assert undo, run
    clean = all(world.results.get(name, ActionStatus.SUCCEEDED) is ActionStatus.SUCCEEDED for name in undo)
    assert run.outcome is (Outcome.ROLLED_BACK if clean else Outcome.FAILED), run
    if plan.rollback_approval is not None:
        assert decided(plan.rollback_approval, policy, world.rollback_votes, None) == "approved", run


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(_policy, st.lists(_rule, min_size=1, max_size=3), _labels, _given)
def test_nothing_runs_without_a_quorum_and_every_attempt_ends_once(
    policy: dict[str, Any], rules: list[dict[str, Any]], labels: dict[str, str], world: Given
) -> None:
    """Whatever the rules, the policy, the votes and their times are."""
    ruleset, alert = loaded(policy, rules), firing(labels)
    rule = rule_for(alert, ruleset)
    assume(rule is not None)
    assert rule is not None
    plan = plan_for(alert, rule, ruleset)
    run = simulate(alert, plan, ruleset.policy, world)
    event(f"{plan.mode if isinstance(plan, Plan) else 'no plan'}: {run.outcome}")
    check_ended_once(run)
    if not isinstance(plan, Plan):
        assert run.outcome is Outcome.REFUSED
        assert run.path == [State.PLANNING]
        return
    assert labels.get(REQUESTED_BY) not in plan.approval.everyone
    check_decided(plan, ruleset.policy, world, run)
    check_undone(plan, ruleset.policy, world, run)


@settings(max_examples=400, deadline=None)
@given(_approval.map(lambda asked: {"approve": 2, "window": "2m"} | asked), _votes, st.none() | TIMES)
def test_the_same_votes_decide_the_same(asked: dict[str, Any], votes: tuple[Cast, ...], resolved: float | None) -> None:
    """A request in approve mode ends exactly as the plain count says."""
    ruleset = loaded(
        {"approver_allowlist": PEOPLE, "groups": {"sre": PEOPLE[:2], "leads": PEOPLE[2:4]}},
        [{"approval": asked, "actions": [{"proof": True}]}],
    )
    alert = firing({"alertname": "A"})
    plan = plan_for(alert, ruleset.rules[0], ruleset)
    assert isinstance(plan, Plan)
    plan = replace(plan, dry_run=False)
    run = simulate(alert, plan, ruleset.policy, Given(votes=votes, resolved=resolved))
    verdict = decided(plan.approval, ruleset.policy, votes, resolved)
    silence = verdict == "expired" and plan.approval.on_timeout == "approve"
    assert run.outcome is (Outcome.REMEDIATED if silence or verdict == "approved" else Outcome(verdict)), (verdict, run)
