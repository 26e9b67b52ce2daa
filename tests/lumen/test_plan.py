"""What a vote is bound to, and what of a plan may be seen outside the worker."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from lumen.plan import Approval, Escalation, Limits, Mode, Plan, PlannedAction, Refusal, Rollback, Verification
from tests.lumen.samples import plan

OTHER: dict[str, Any] = {
    "rule": "other",
    "mode": Mode.AUTO,
    "dry_run": True,
    "target": "db-2",
    "severity": "warning",
    "condition": "up == 1",
    "actions": (),
    "approval": Approval(),
    "cooldown": 601.0,
    "limits": Limits(attempts=4),
    "runbook_url": "https://runbooks.example.com/disk",
    "has_target": True,
    "verify": Verification("promql", {"query": "up == 1"}),
    "rollback_approval": Approval(),
}
OTHER_APPROVAL: dict[str, Any] = {
    "approve": 1,
    "reject": 2,
    "allow": ("mallory@example.com",),
    "window": 1.0,
    "timeout": 1.0,
    "valid_for": 1.0,
    "on_timeout": "approve",
    "min_rank": "signal",
    "channel": "#elsewhere",
    "escalate": (Escalation(60.0, ("lead@example.com",), "#leads"),),
    "remind": 60.0,
    "anonymous": True,
    "barred": ("owner@example.com",),
}
OTHER_LIMITS: dict[str, Any] = {
    "attempts": 4,
    "concurrency": 1,
    "stale_after": 1.0,
    "max_runs": 1,
    "max_targets": 1,
    "failures": 1,
    "per": 1.0,
}
OTHER_ACTION: dict[str, Any] = {
    "name": "shrink",
    "kind": "proof",
    "spec": {"argv": ["/usr/sbin/lvextend", "-L", "+11G"]},
    "timeout": 61.0,
    "attempts": 2,
    "backoff": 6.0,
    "idempotent": True,
    "runner": "dmz",
    "check": ("/bin/true",),
    "rollback": Rollback("cmd", {"argv": ["/bin/true"]}),
}


def names(kind: type[Plan | Approval | Limits | PlannedAction]) -> set[str]:
    """Return the names of the fields of a part of a plan."""
    return {field.name for field in fields(kind)}


def test_the_tests_below_know_every_field() -> None:
    """A field that is added to a plan must be added to these tests, so that it cannot be left out of the digest."""
    assert names(Plan) == {*OTHER, "digest", "rules_digest"}
    assert names(Approval) == set(OTHER_APPROVAL)
    assert names(Limits) == set(OTHER_LIMITS)
    assert names(PlannedAction) == set(OTHER_ACTION)


@pytest.mark.parametrize("name", sorted(OTHER))
def test_every_field_of_a_plan_changes_its_digest(name: str) -> None:
    """Votes on a plan void when anything of it changes."""
    assert replace(plan(), **{name: OTHER[name]}).sealed("sha256:rules").digest != plan().digest


@pytest.mark.parametrize("name", sorted(OTHER_APPROVAL))
def test_every_field_of_the_approval_changes_the_digest(name: str) -> None:
    """Who must agree, and for how long, is part of what was shown."""
    other = replace(plan(), approval=replace(plan().approval, **{name: OTHER_APPROVAL[name]}))
    assert other.sealed("sha256:rules").digest != plan().digest


@pytest.mark.parametrize("name", sorted(OTHER_LIMITS))
def test_every_limit_changes_the_digest(name: str) -> None:
    """The limits are part of the rule as applied."""
    other = replace(plan(), limits=replace(plan().limits, **{name: OTHER_LIMITS[name]}))
    assert other.sealed("sha256:rules").digest != plan().digest


@pytest.mark.parametrize("name", sorted(OTHER_ACTION))
def test_every_field_of_an_action_changes_the_digest(name: str) -> None:
    """What runs, how often, where and for how long is part of what was shown."""
    first, second = plan().actions
    other = replace(plan(), actions=(replace(first, **{name: OTHER_ACTION[name]}), second))
    assert other.sealed("sha256:rules").digest != plan().digest


def test_the_order_of_actions_and_of_arguments_changes_the_digest() -> None:
    """The same actions in another order, or the same words in another order, are another plan."""
    first, second = plan().actions
    assert replace(plan(), actions=(second, first)).sealed("").digest != plan().digest
    turned = replace(first, spec={"argv": first.spec["argv"][::-1]})
    assert replace(plan(), actions=(turned, second)).sealed("").digest != plan().digest


def test_the_digest_of_the_rule_set_voids_nothing() -> None:
    """An unrelated edit of the rules changes the digest that is recorded beside the plan, and not the plan's own."""
    other = plan().sealed("sha256:other rules")
    assert (other.digest, other.rules_digest) == (plan().digest, "sha256:other rules")


def test_sealing_again_changes_nothing() -> None:
    """A digest is taken over everything but the digests, so a sealed plan has the digest of the plan it came from."""
    assert plan().sealed("sha256:rules") == plan()
    assert replace(plan(), digest="sha256:forged").sealed("sha256:rules") == plan()


def test_a_plan_has_no_place_for_annotations() -> None:
    """Annotations reach a plan only where an action uses them, so a changed value in a summary voids no vote."""
    assert [name for name in names(Plan) | names(PlannedAction) if "annotation" in name or "label" in name] == []


def test_a_refusal_says_which_rule_and_why() -> None:
    """A refusal names the rule and the reason, and the rule set when that is known."""
    assert Refusal("disk-full", "no label vg") == Refusal("disk-full", "no label vg", "")


def test_the_words_that_rules_and_histories_use() -> None:
    """Modes are written in rules and recorded in histories by these words."""
    assert list(Mode) == ["shadow", "approve", "auto"]


LEVELS = (
    Escalation(60.0, ("lead@example.com", "alice@example.com")),
    Escalation(60.0, ("boss@example.com",)),
    Escalation(120.0, ("ceo@example.com",), "#boardroom"),
)


@pytest.mark.parametrize(("waited", "levels"), [(0.0, 0), (59.9, 0), (60.0, 2), (119.0, 2), (120.0, 3), (1e9, 3)])
def test_escalations_are_in_force_from_their_time_on(waited: float, levels: int) -> None:
    """A list widens at its moment, not before, and never narrows again."""
    approval = Approval(allow=("alice@example.com",), escalate=LEVELS)
    assert approval.escalated(waited) == LEVELS[:levels]


def test_who_may_vote_is_everybody_of_the_lists_in_force_once() -> None:
    """A person who stands in two lists is one person; the last list of all is everyone."""
    approval = Approval(allow=("bob@example.com", "alice@example.com"), escalate=LEVELS)
    assert approval.allowed(()) == ("alice@example.com", "bob@example.com")
    assert approval.allowed(LEVELS[:1]) == ("alice@example.com", "bob@example.com", "lead@example.com")
    assert approval.everyone == approval.allowed(LEVELS)
    assert len(approval.everyone) == len(set(approval.everyone)) == 5


def test_only_an_escalation_at_the_deadline_doubles_the_longest_wait() -> None:
    """What holds something while people are asked must know how long that may be."""
    assert Approval(timeout=60.0).longest == 60.0
    assert Approval(timeout=60.0, on_timeout="escalate").longest == 120.0
