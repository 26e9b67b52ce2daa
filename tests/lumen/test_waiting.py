"""A request for approval in time: who may vote when, what comes next, and that it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import Approval, Escalation
from lumen.waiting import Due, Waiting
from tests.lumen.samples import NOW, at

LEVELS = st.lists(
    st.builds(Escalation, st.integers(1, 7200).map(float), st.sampled_from([("b@e.com",), ("c@e.com", "a@e.com")])),
    max_size=4,
).map(lambda levels: tuple(sorted(levels, key=lambda level: level.after)))
APPROVALS = st.builds(
    Approval,
    allow=st.just(("a@e.com",)),
    timeout=st.integers(1, 7200).map(float),
    escalate=LEVELS,
    remind=st.sampled_from([0.0, 60.0, 600.0, 9000.0]),
    on_timeout=st.sampled_from(["reject", "escalate"]),
)
EXAMPLE = Approval(
    allow=("a@e.com",),
    timeout=3600.0,
    remind=900.0,
    escalate=(Escalation(1200.0, ("b@e.com",), "#leads"), Escalation(1800.0, ("c@e.com",))),
    on_timeout="escalate",
)


def played(approval: Approval, late: float = 0.0) -> list[tuple[float, Due]]:
    """Return what happens to a request that nobody answers, and when; each step is done ``late`` seconds late."""
    waiting, steps = Waiting.begun(approval, NOW), []
    for _ in range(1000):
        moment, due = waiting.next()
        now = moment + timedelta(seconds=late)
        steps.append(((moment - NOW).total_seconds(), due))
        if due is Due.ESCALATION:
            waiting.escalate(now)
        elif due is Due.REMINDER:
            waiting.remind(now)
        elif waiting.extends:
            waiting.extend(now)
        else:
            return steps
    raise AssertionError("it never ends")


def test_an_hour_goes_as_the_rule_says() -> None:
    """Reminders every 15 minutes, two escalations, the deadline, and the same time once more."""
    assert played(EXAMPLE) == [
        (900.0, Due.REMINDER),
        (1200.0, Due.ESCALATION),
        (1800.0, Due.ESCALATION),
        (1800.0, Due.REMINDER),
        (2700.0, Due.REMINDER),
        (3600.0, Due.REMINDER),
        (3600.0, Due.DEADLINE),
        *((float(seconds), Due.REMINDER) for seconds in (4500, 5400, 6300, 7200)),
        (7200.0, Due.DEADLINE),
    ]


def test_without_escalation_and_reminder_there_is_only_the_deadline() -> None:
    """A rule that says nothing of it waits as it always did."""
    assert played(Approval(allow=("a@e.com",))) == [(3600.0, Due.DEADLINE)]


@given(APPROVALS, st.floats(0, 20_000))
def test_every_request_ends_by_its_longest_time(approval: Approval, late: float) -> None:
    """Steps come in order, every one before the end, and the end comes: however late the worker is."""
    steps = played(approval, late)
    times = [seconds for seconds, _ in steps]
    assert times == sorted(times)
    assert times[-1] <= approval.longest + late + 0.001
    assert [due for _, due in steps].count(Due.DEADLINE) == (2 if approval.on_timeout == "escalate" else 1)
    assert steps[-1][1] is Due.DEADLINE


@given(APPROVALS, st.floats(1, 20_000))
def test_a_worker_that_was_away_reminds_once(approval: Approval, away: float) -> None:
    """After an absence nobody is reminded of the same request twice at once."""
    waiting = Waiting.begun(approval, NOW)
    if approval.remind:
        waiting.remind(at(away))
        assert waiting.asked_at + timedelta(seconds=approval.remind * (waiting.reminded + 1)) > at(away)


@given(APPROVALS, st.lists(st.floats(0, 20_000), min_size=2, max_size=2).map(sorted))
def test_who_may_vote_follows_from_the_time_alone(approval: Approval, moments: list[float]) -> None:
    """The list never narrows, and whether anybody was told of an escalation makes no difference to it."""
    told, untold = Waiting.begun(approval, NOW), Waiting.begun(approval, NOW)
    early, late = (at(seconds) for seconds in moments)
    assert set(untold.allow(early)) <= set(untold.allow(late)) <= set(approval.everyone)
    while (moment := told.next_escalation()) is not None and moment <= late:
        told.escalate(late)
    assert told.allow(late) == untold.allow(late)


def test_those_who_are_new_are_named_once() -> None:
    """An escalation tells who may vote since; somebody who could before is not new."""
    levels = (Escalation(10.0, ("a@e.com", "b@e.com")), Escalation(10.0, ("c@e.com",)), Escalation(20.0, ("b@e.com",)))
    waiting = Waiting.begun(Approval(allow=("a@e.com",), escalate=levels), NOW)
    assert waiting.escalate(at(10.0)) == ("b@e.com", "c@e.com")
    assert waiting.next_escalation() == at(20.0)
    assert waiting.escalate(at(20.0)) == ()
    assert waiting.next_escalation() is None


@pytest.mark.parametrize(("now", "until"), [(3600.0, 7200.0), (3700.0, 7200.0), (9000.0, 12600.0)])
def test_the_deadline_is_extended_by_the_timeout(now: float, until: float) -> None:
    """From the deadline on, or from now on where nobody worked for so long that this has passed too."""
    waiting = Waiting.begun(EXAMPLE, NOW)
    assert waiting.extend(at(now)) == ("b@e.com", "c@e.com")
    assert waiting.expires_at == at(until)
    assert waiting.allow(at(now)) == EXAMPLE.everyone
    assert not waiting.extends
