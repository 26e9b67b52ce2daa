"""Names in Temporal: bounded, distinct for what is distinct, and never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen import names
from tests.lumen.samples import firing

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LONG = st.builds(lambda text, times, end: text * times + end, TEXT, st.integers(1, 40), TEXT)
ID_BYTES = 255


@pytest.mark.parametrize("make", [names.target_guard_id, names.budget_guard_id])
@given(one=LONG, other=LONG)
def test_guard_ids_are_bounded_and_distinct(make: Callable[[str], str], one: str, other: str) -> None:
    """Any target or rule has an id that Temporal takes, and another target has another id."""
    assert len(make(one).encode()) <= ID_BYTES
    assert (make(one) == make(other)) == (one == other)


def test_long_targets_that_differ_at_the_end_only_are_told_apart() -> None:
    """Where an id had to be cut, the SHA-256 of the whole name tells it from others with the same beginning."""
    first, second = names.target_guard_id("x" * 5000 + "1"), names.target_guard_id("x" * 5000 + "2")
    assert first != second
    assert first.endswith("…-" + hashlib.sha256(("target-" + "x" * 5000 + "1").encode()).hexdigest()[:16])


@given(TEXT)
def test_guards_of_targets_and_of_rules_never_meet(name: str) -> None:
    """A target and a rule of the same name have two guards."""
    assert names.target_guard_id(name) != names.budget_guard_id(name)


@pytest.mark.parametrize("target", ["\ud800", "x" * 300 + "\udfff"])
def test_half_a_surrogate_pair_in_a_target_raises_nothing(target: str) -> None:
    """A target that is no valid text still has a bounded id."""
    assert len(names.target_guard_id(target).encode("utf-8", "replace")) <= ID_BYTES


@given(TEXT)
def test_a_workflow_id_leads_back_to_its_key(key: str) -> None:
    """The id of an episode holds its key and nothing else."""
    assert names.key_of_workflow(names.alert_workflow_id(key)) == key


def test_the_names_that_stand_in_histories_and_links() -> None:
    """These forms are recorded in histories, ledgers and links, and must not change."""
    workflow = names.alert_workflow_id(firing().key)
    assert workflow == "alert-alertmanager-0123456789abcdef"
    assert names.target_guard_id("db-1") == "target-db-1"
    assert names.budget_guard_id("disk-full") == "budget-disk-full"
    assert names.intake_workflow_id("sha256:00ff") == "intake-00ff"
    assert names.runner_task_queue("dmz") == "lumen-runner-dmz"
    assert names.attempt_key(workflow, "run", 2) == f"{workflow}/run/2"
    assert names.action_key(workflow, "run", 2, "grow") == f"{workflow}/run/2/grow"
    assert names.approval_id("run", 2, 1) == "run.2.1"


@given(LONG)
def test_a_keyword_fits_and_a_short_one_is_left_alone(value: str) -> None:
    """A search attribute holds 255 bytes; what fits stays as it is."""
    kept = names.keyword(value)
    assert len(kept.encode()) <= 255
    assert kept == value or len(value.encode()) > 255


def test_what_people_and_other_processes_call_workflows_by() -> None:
    """Signals, updates and queries are sent by people and by workers of other versions, so none is ever renamed."""
    signals = (names.SIGNAL_ALERT, names.SIGNAL_VOTE, names.SIGNAL_OVERRIDE, names.SIGNAL_GRANTED, names.SIGNAL_WAKE)
    assert signals == ("alert", "vote", "override", "guard_granted", "wake")
    assert (names.SIGNAL_CLEAR_COOLDOWN, names.UPDATE_VOTE, names.QUERY_STATUS) == ("clear_cooldown", "vote", "status")
    assert (names.GUARD_ACQUIRE, names.GUARD_RELEASE, names.GUARD_CLEAR) == ("acquire", "release", "clear")
    assert (names.TASK_QUEUE, names.INTAKE_TASK_QUEUE, names.FREEZE_ID) == ("lumen", "lumen-intake", "lumen-freeze")
    workflows = (names.ALERT_WORKFLOW, names.GUARD_WORKFLOW, names.INTAKE_WORKFLOW, names.FREEZE_WORKFLOW)
    assert workflows == tuple(f"{name}Workflow" for name in ("Alert", "Guard", "Intake", "Freeze"))
    assert names.NEEDS_HUMAN_ALERT == "LumenNeedsHuman"


@pytest.mark.parametrize(("length", "bounded"), [(200 - len("target-"), False), (201 - len("target-"), True)])
def test_an_id_is_cut_beyond_two_hundred_bytes_only(length: int, bounded: bool) -> None:
    """A target keeps its readable id as long as it fits."""
    assert (names.target_guard_id("x" * length) != "target-" + "x" * length) == bounded


def test_a_keyword_is_always_text_that_can_be_sent() -> None:
    """Half a surrogate pair becomes a question mark, since no message could carry it."""
    assert names.keyword("a\ud800b") == "a?b"


def test_search_attributes_are_the_six_of_the_contract() -> None:
    """The attributes that lists and dashboards ask for have these names."""
    assert (
        tuple(f"Lumen{name}" for name in ("State", "Outcome", "Rule", "Alert", "Severity", "Target"))
        == names.ATTRIBUTES
    )
