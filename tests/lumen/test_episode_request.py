"""The life of an episode that a person asked for: nothing fires, so nothing is watched and nothing resolves it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.alert import Alert
from lumen.episode import Episode, Next, next_step
from lumen.outcome import Outcome
from tests.lumen.samples import at, attempt, firing, plan, resolved

COOLDOWN = 600


def asked(received: float = 0, **changes: object) -> Alert:
    """Return a request that came ``received`` seconds after ``NOW``."""
    return replace(firing(received), source="request", **changes)  # type: ignore[arg-type] # what the caller changes


def requested(outcome: Outcome, cooldown: float = COOLDOWN) -> Episode:
    """Return a requested episode whose attempt ended at ``NOW``."""
    episode = Episode(plan=plan(cooldown=cooldown))
    episode.hear(asked(-20), at(-20))
    episode.end_attempt(attempt(outcome))
    return episode


@pytest.mark.parametrize("outcome", list(Outcome))
def test_it_closes_when_its_cooldown_is_over(outcome: Outcome) -> None:
    """Whatever came of it, it cools to the second and closes: no linger, no question to Prometheus, no stale limit."""
    episode = requested(outcome)
    assert next_step(episode, at(COOLDOWN - 0.001)) == Next("cool", until=at(COOLDOWN))
    assert next_step(episode, at(COOLDOWN)) == Next("close")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_asked_again_while_it_cools_it_is_only_counted(outcome: Outcome) -> None:
    """The same request during the cooldown is a repeat and starts nothing, then or later."""
    episode = requested(outcome)
    assert episode.hear(asked(30), at(30))
    assert episode.repeats == 1
    assert next_step(episode, at(31)) == Next("cool", until=at(COOLDOWN))
    assert next_step(episode, at(COOLDOWN)) == Next("close")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_asked_again_after_the_cooldown_it_is_attempted_again(outcome: Outcome) -> None:
    """Where it is still open then, asking is a new attempt, however many there were; after `unknown` it needs a vote."""
    episode = requested(outcome)
    episode.ran = 99
    episode.hear(asked(COOLDOWN + 1), at(COOLDOWN + 1))
    assert next_step(episode, at(COOLDOWN + 1)) == Next("attempt", needs_vote=outcome is Outcome.UNKNOWN)


def test_asked_during_the_attempt_is_no_further_one() -> None:
    """A request that came while the attempt ran is answered by that attempt."""
    episode = Episode(plan=plan(cooldown=0))
    episode.hear(asked(-20), at(-20))
    episode.hear(asked(-5), at(-5))
    episode.end_attempt(attempt(Outcome.REMEDIATED))
    assert next_step(episode, at(0)) == Next("close")


def test_the_request_that_began_an_attempt_never_begins_another() -> None:
    """Not even when the attempt took no time and nothing cools: an episode cannot run round and round."""
    episode = Episode(plan=plan(cooldown=0))
    episode.hear(asked(-10), at(-10))
    moment = at(-10)
    episode.end_attempt(replace(attempt(Outcome.REFUSED), started_at=moment, ended_at=moment))
    assert next_step(episode, moment) == Next("close")


def test_a_cleared_cooldown_ends_it_or_starts_what_was_asked_meanwhile() -> None:
    """After `cooldown clear` it closes at once; a request that was only counted is then taken up."""
    episode = requested(Outcome.REMEDIATED)
    episode.cooldown_cleared = True
    assert next_step(episode, at(60)) == Next("close")
    episode.hear(asked(30), at(30))
    assert next_step(episode, at(60)).step == "attempt"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_retry_comes_at_once(outcome: Outcome) -> None:
    """`override retry` starts an attempt in the cooldown, as for any episode."""
    episode = requested(outcome)
    episode.retry_wanted = True
    assert next_step(episode, at(1)) == Next("attempt", needs_vote=outcome is Outcome.UNKNOWN)


def test_nothing_resolves_a_request() -> None:
    """A resolve under the key of a request is not heard: what a person asked for only people stop."""
    episode = Episode()
    episode.hear(asked(0), at(0))
    over = replace(resolved(10), source="request")
    assert not episode.hear(over, at(10))
    assert episode.resolved_at is None
    assert episode.alert is not None
    assert episode.alert.firing


def test_the_first_reason_stays_when_it_is_asked_again_without_one() -> None:
    """What people were told when they were asked is not emptied by a repeat; a new reason replaces it."""
    episode = Episode()
    episode.hear(asked(0, annotations={"reason": "before the release", "ticket": "7"}), at(0))
    episode.hear(asked(1, annotations={"ticket": "8"}), at(1))
    assert episode.alert is not None
    assert episode.alert.annotations == {"reason": "before the release", "ticket": "8"}
    episode.hear(asked(2, annotations={"reason": "again"}), at(2))
    assert episode.alert.annotations == {"reason": "again"}


@given(
    st.lists(st.integers(1, 4000), max_size=20, unique=True).map(sorted),
    st.lists(st.sampled_from(list(Outcome)), max_size=30),
    st.sampled_from([0.0, 60.0, 600.0]),
)
def test_every_requested_episode_closes(moments: list[int], ends: list[Outcome], cooldown: float) -> None:
    """However often it is asked for, it closes right after the cooldown of its last attempt, and asks for no more."""
    episode = Episode(plan=plan(cooldown=cooldown))
    episode.hear(asked(0), at(0))
    now, news = 0.0, list(moments)
    for _ in range(100):
        started = now
        now += 10
        while news and news[0] <= now:
            moment = news.pop(0)
            episode.hear(asked(moment), at(moment))
        outcome = ends.pop() if ends else Outcome.REMEDIATED
        last = replace(attempt(outcome, episode.attempts_ended + 1), started_at=at(started), ended_at=at(now))
        episode.end_attempt(last)
        while (step := next_step(episode, at(now))).step == "cool":
            now += cooldown
            while news and news[0] < now:
                moment = news.pop(0)
                episode.hear(asked(moment), at(moment))
        assert step.step in {"close", "attempt"}
        if step.step == "close":
            assert at(now) == last.ended_at + (at(cooldown) - at(0))
            return
    pytest.fail("the episode never closes")


def test_nobody_asks_their_predecessor_free() -> None:
    """Who asked stays one who asked, whoever asks later, in whatever order the requests arrive; a plain alert has none."""
    episode = Episode(plan=plan(cooldown=600))
    for moment, person in ((10, "alice"), (20, "bob"), (15, "carol"), (30, "alice"), (30, "alice")):
        episode.hear(asked(moment, labels={"alertname": "Disk", "requested_by": person}), at(moment))
    assert episode.alert is not None
    assert episode.alert.requester == "alice"
    assert set(episode.alert.requesters) == {"alice", "bob", "carol"}
    plain = Episode()
    for moment in (1, 2):
        plain.hear(replace(firing(moment), labels={"requested_by": f"person-{moment}"}), at(moment))
    assert plain.alert is not None
    assert plain.alert.requesters == ()
