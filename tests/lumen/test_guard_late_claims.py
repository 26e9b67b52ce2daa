"""Claims that come to a guard when their attempt is over: they take nothing."""

from __future__ import annotations

from dataclasses import replace

from lumen.guard import Claim, Guard
from tests.lumen.samples import at


def asked(attempt: str, seconds: float) -> Claim:
    """Return what an attempt (workflow id, first run, number) asked for at this second."""
    workflow_id = attempt.split("/", maxsplit=1)[0]
    return Claim(attempt, workflow_id, "disk-full", 600.0, 0.0, renews=True, asked_at=at(seconds))


def test_a_claim_of_an_attempt_that_is_over_takes_nothing_from_the_one_that_runs() -> None:
    """What comes late is granted nothing, whether the later attempt holds the place or waits for it, also of an earlier run."""
    guard = Guard()
    assert guard.acquire(asked("alert-a/run/2", 5), at(5)).status == "granted"
    assert guard.acquire(asked("alert-b/run/2", 6), at(6)).status == "waiting"
    for late in ("alert-a/run/1", "alert-b/run/1", "alert-b/run-before/9"):
        assert guard.acquire(asked(late, 4), at(7)).status == "waiting"
        assert [place.claim.holder for place in guard.places] == ["alert-a/run/2"]
        assert [waiting.holder for waiting in guard.waiting] == ["alert-b/run/2"]


def test_a_claim_that_comes_after_its_attempt_was_over_takes_nothing() -> None:
    """Also when nothing was held, and until the episode asks anew: its next attempt, or the same one after a reset."""
    guard = Guard()
    guard.end("alert-a/run/1", at(10))
    assert guard.acquire(asked("alert-a/run/1", 3), at(11)).status == "waiting"
    assert guard.idle
    assert guard.acquire(asked("alert-a/run/1", 12), at(12)).status == "granted"


def test_a_reset_episode_takes_over_what_a_later_attempt_of_it_held() -> None:
    """A reset begins with the first attempt again, while the guard knows of the second: numbers say nothing."""
    guard = Guard()
    guard.acquire(asked("alert-a/run/2", 5), at(5))
    assert guard.acquire(asked("alert-a/run/1", 60), at(60)).status == "granted"
    assert [place.claim.holder for place in guard.places] == ["alert-a/run/1"]


def test_a_claim_of_an_older_worker_is_taken_as_before() -> None:
    """Their claims do not say when they were asked for, and the histories of guards hold what they were granted."""
    guard = Guard()
    guard.end("alert-a/run/1", at(10))
    guard.acquire(asked("alert-a/run/2", 12), at(12))
    assert guard.acquire(replace(asked("alert-a/run/1", 3), asked_at=None), at(13)).status == "granted"


def test_a_guard_remembers_a_bounded_number_of_ends() -> None:
    """The five hundred episodes that gave back last are known, the later end of each."""
    guard = Guard()
    guard.end("alert-0/run-0/2", at(20))
    for number in range(500):
        guard.end(f"alert-{number}/run-{number}/1", at(10))
    assert len(guard.over) == 500
    assert guard.over["run-0"] == at(20)
    guard.end("alert-x/run-x/1", at(11))
    assert len(guard.over) == 500
    assert "run-0" not in guard.over
