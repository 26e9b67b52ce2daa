"""Counting votes: laws that hold for every set of people, times and thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import Approval
from lumen.quorum import Tally, Vote, VoteBox, decided_at
from tests.lumen.samples import NOW, at, vote

PEOPLE = ["alice@example.com", "bob@example.com", "carol@example.com", "dave@example.com"]
VOTES = st.lists(
    st.builds(vote, st.sampled_from(PEOPLE), st.sampled_from(["approve", "reject"]), st.integers(-2000, 0)),
    max_size=12,
)
THRESHOLDS = st.builds(
    Approval, approve=st.integers(-1, 4), reject=st.integers(-1, 4), window=st.integers(1, 2500).map(float)
)


def counted(votes: list[Vote], approval: Approval, seconds: float = 0) -> Tally:
    """Cast ``votes`` in this order and count them."""
    box = VoteBox()
    for one in votes:
        box.cast(one)
    return box.tally(approval, at(seconds))


@given(VOTES, THRESHOLDS)
def test_one_person_never_counts_twice(votes: list[Vote], approval: Approval) -> None:
    """Whoever votes many times, on one side or on both, stands in the tally once."""
    tally = counted(votes, approval)
    people = [one.actor for one in tally.approve + tally.reject]
    assert len(people) == len(set(people))


@given(VOTES, THRESHOLDS)
def test_the_newest_vote_of_a_person_stands(votes: list[Vote], approval: Approval) -> None:
    """A person may change the vote, and an older vote that arrives later overrides nothing."""
    for one in (tally := counted(votes, approval)).approve + tally.reject:
        assert one.at == max(other.at for other in votes if other.actor == one.actor)


@given(VOTES, THRESHOLDS, st.data())
def test_votes_commute_and_may_come_again(votes: list[Vote], approval: Approval, data: st.DataObject) -> None:
    """In which order votes arrive, and how often each does, changes nothing: a replay never replaces a newer vote."""
    numbered = [replace(one, id=f"v{number}") for number, one in enumerate(votes)]
    again = data.draw(st.lists(st.sampled_from(numbered), max_size=12)) if numbered else []
    assert counted(data.draw(st.permutations(numbered + again)), approval) == counted(numbered, approval)


@given(VOTES, THRESHOLDS, st.integers(1, 5000))
def test_a_vote_that_was_cast_never_comes_back_as_newer(votes: list[Vote], approval: Approval, later: int) -> None:
    """Whatever time a second delivery gives for a vote that the box has seen, it changes nothing."""
    numbered = [replace(one, id=f"v{number}") for number, one in enumerate(votes)]
    again = [replace(one, at=one.at + timedelta(seconds=later)) for one in numbered]
    assert counted(numbered + again, approval) == counted(numbered, approval)


def test_the_id_of_another_person_silences_nobody() -> None:
    """A vote is known by its id and its person, so nobody can use up the id of somebody else's vote."""
    box = VoteBox()
    box.cast(vote(PEOPLE[0], "approve", vote_id="v1"))
    assert box.cast(vote(PEOPLE[1], "approve", vote_id="v1"))
    assert len(box.votes) == 2


def test_a_cast_tells_whether_somebody_decided_anew() -> None:
    """The first vote of a person and a change of mind are news; the same again is none."""
    box = VoteBox()
    said = [
        box.cast(vote(PEOPLE[0], decision, seconds, vote_id=f"v{seconds}"))
        for seconds, decision in ((0, "approve"), (1, "approve"), (3, "reject"), (2, "approve"), (4, "reject"))
    ]
    assert said == [True, False, True, False, False]


@pytest.mark.parametrize("order", [("approve", "reject"), ("reject", "approve")])
def test_of_two_votes_in_one_instant_the_no_stands(order: tuple[str, str]) -> None:
    """Times of equal value do not say which came first, and a no outweighs a yes."""
    box = VoteBox()
    for decision in order:
        box.cast(vote(PEOPLE[0], decision))
    assert box.tally(Approval(), NOW).status == "rejected"


@given(VOTES, THRESHOLDS, st.integers(0, 3000))
def test_a_vote_lapses_when_the_window_is_over(votes: list[Vote], approval: Approval, later: int) -> None:
    """What counts is younger than the window, everything younger counts, and once all have lapsed nothing is decided."""
    tally = counted(votes, approval, later)
    newest = {one.actor: one for one in sorted(votes, key=lambda one: one.at)}
    oldest = at(later) - timedelta(seconds=approval.window)
    alive = {one.actor for one in newest.values() if one.at > oldest}
    assert {one.actor for one in tally.approve + tally.reject} == alive
    assert counted(votes, approval, approval.window).status == "pending"


@given(VOTES, THRESHOLDS)
def test_the_status_follows_from_the_thresholds(votes: list[Vote], approval: Approval) -> None:
    """Enough people against reject, even if enough are in favour; else enough in favour approve; else it is pending."""
    tally = counted(votes, approval)
    enough_against = len(tally.reject) >= approval.reject and bool(tally.reject)
    enough_for = len(tally.approve) >= approval.approve and bool(tally.approve)
    expected = "rejected" if enough_against else "approved" if enough_for else "pending"
    assert tally.status == expected


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_of_zero_decides_nothing_by_itself(threshold: int) -> None:
    """Without a single vote nothing is approved or rejected, whatever the thresholds say; one vote then decides."""
    approval = Approval(approve=threshold, reject=threshold)
    assert VoteBox().tally(approval, NOW).status == "pending"
    assert counted([vote(PEOPLE[0])], approval).status == "approved"
    assert counted([vote(PEOPLE[0], "reject")], approval).status == "rejected"


def test_a_word_that_is_no_decision_counts_for_neither_side() -> None:
    """A vote that says something else is neither for nor against."""
    tally = counted([vote(PEOPLE[0], "maybe")], Approval())
    assert (tally.status, tally.approve, tally.reject) == ("pending", (), ())


@given(VOTES, THRESHOLDS)
def test_votes_are_listed_oldest_first(votes: list[Vote], approval: Approval) -> None:
    """Both sides are in the order of their times, then of the names, so that every process lists them alike."""
    tally = counted(votes, approval)
    for side in (tally.approve, tally.reject):
        assert list(side) == sorted(side, key=lambda one: (one.at, one.actor))


def test_a_repeated_delivery_is_recognised_by_its_id() -> None:
    """A vote in the box is known by its id; a vote without one is never taken for a repetition."""
    box = VoteBox()
    box.cast(vote(PEOPLE[0], vote_id="v1"))
    box.cast(vote(PEOPLE[1]))
    assert box.counted("v1")
    assert not box.counted("v2")
    assert not box.counted("")


@pytest.mark.parametrize("side", ["approve", "reject"])
def test_a_decision_dates_from_the_newest_vote_of_its_side(side: str) -> None:
    """The time of a decision is that of the vote that completed it, not of a vote on the other side."""
    other = "reject" if side == "approve" else "approve"
    votes = [vote(PEOPLE[0], side, -30), vote(PEOPLE[1], side, -20), vote(PEOPLE[2], other, -10)]
    assert decided_at(counted(votes, Approval(approve=2, reject=2))) == at(-20)
