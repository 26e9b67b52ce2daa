"""What an episode takes in: repeats, resolves, late duplicates and re-fires, in any order of arrival."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.alert import Alert
from lumen.episode import Episode, next_step
from lumen.outcome import Outcome
from tests.lumen.samples import NOW, STARTED, at, attempt, firing, plan, resolved

LATER = "2026-03-01T12:30:00Z"
NEWS = st.lists(
    st.builds(
        lambda make, received, starts_at: make(received, starts_at),
        st.sampled_from([firing, resolved]),
        st.integers(0, 20),
        st.sampled_from([STARTED, LATER, "", "0001-01-01T00:00:00Z"]),
    ),
    max_size=10,
)


def heard(*alerts: Alert) -> Episode:
    """Return an episode that took in ``alerts`` in this order, each as it was received."""
    episode = Episode()
    for alert in alerts:
        episode.hear(alert, alert.received_at)
    return episode


def test_the_first_notification_begins_the_episode() -> None:
    """A first firing is no repeat and no re-fire, and dates what was heard."""
    episode = Episode()
    assert episode.hear(firing(), at(3))
    assert (episode.alert, episode.repeats, episode.fired_again) == (firing(), 0, False)
    assert episode.last_heard == episode.last_firing == at(3)
    assert episode.resolved_at is None


def test_each_later_firing_is_a_repeat() -> None:
    """Repeats are counted and refresh the times; only then has something been heard again."""
    episode = heard(firing(0), firing(60), firing(120))
    assert (episode.repeats, episode.fired_again, episode.last_firing) == (2, False, at(120))


def test_a_first_notification_may_be_a_resolve() -> None:
    """An episode that hears only the resolve is resolved and heard nothing firing."""
    episode = heard(resolved(5))
    assert (episode.resolved_at, episode.last_firing, episode.last_heard) == (at(5), None, at(5))


@pytest.mark.parametrize("first", [True, False])
def test_a_time_without_a_zone_is_utc(first: bool) -> None:
    """A notification that somebody typed without a zone is ordered by UTC, whether it comes first or later."""
    typed = [replace(firing(seconds), received_at=at(seconds).replace(tzinfo=None)) for seconds in (0, 60)]
    alerts = (typed[0], firing(60)) if first else (firing(0), typed[1])
    episode = Episode()
    assert [episode.hear(alert, at(60)) for alert in (*alerts, typed[0])] == [True, True, False]


def test_a_resolve_is_dated_by_the_first_that_was_heard() -> None:
    """Duplicates of a resolve do not put off the end of the episode."""
    episode = heard(firing(0), resolved(60), resolved(70))
    assert (episode.resolved_at, episode.last_heard) == (at(60), at(70))


@given(NEWS)
def test_older_never_overrides_newer(news: list[Alert]) -> None:
    """What an episode knows of its alert never goes back in time, in whatever order notifications arrive."""
    episode = Episode()
    for alert in news:
        known = episode.alert
        changed = episode.hear(alert, NOW)
        assert episode.alert is not None
        assert known is None or episode.alert.received_at >= known.received_at
        assert episode.alert == (alert if changed else known)
        assert (episode.resolved_at is None) == episode.alert.firing


@given(NEWS)
def test_the_same_delivery_twice_counts_once(news: list[Alert]) -> None:
    """A notification that was taken in and arrives again, bytes and receive time alike, changes nothing at all."""
    episode = Episode()
    for alert in news:
        if episode.hear(alert, NOW):
            before = asdict(episode)
            assert not episode.hear(alert, at(1))
            assert asdict(episode) == before


def test_a_firing_that_was_overtaken_by_its_resolve_changes_nothing() -> None:
    """A firing received before the resolve but heard after it does not wake the episode."""
    episode = heard(firing(0), resolved(60))
    assert not episode.hear(firing(30), at(90))
    assert (episode.resolved_at, episode.fired_again, episode.repeats) == (at(60), False, 0)


@pytest.mark.parametrize(
    ("fired", "ended"),
    [
        (STARTED, STARTED),
        ("2026-03-01T10:59:59Z", STARTED),
        ("2026-03-01T20:00:00+09:00", STARTED),
        ("2026-03-01T11:00:00.123456789Z", "2026-03-01T11:00:00.123456789Z"),
        ("0001-01-01T00:00:00+23:59", STARTED),
    ],
)
def test_a_late_duplicate_of_the_resolved_firing_is_no_refire(fired: str, ended: str) -> None:
    """A peer may deliver the firing after the resolve: what started no later than the resolved firing is only counted."""
    episode = heard(firing(0, fired), resolved(60, ended))
    assert not episode.hear(firing(90, fired), at(90))
    assert (episode.resolved_at, episode.fired_again, episode.repeats) == (at(60), False, 1)
    assert episode.alert == resolved(60, ended)


@pytest.mark.parametrize(
    ("fired", "ended"),
    [
        (LATER, STARTED),
        ("2026-03-01T11:00:00.000001Z", STARTED),
        ("2026-03-01T20:00:01+09:00", STARTED),
        ("", ""),
        ("", STARTED),
        (STARTED, ""),
        ("soon", STARTED),
        (STARTED, "yesterday"),
        ("2026-03-01T11:00:00", STARTED),
        (STARTED, "2026-03-01"),
        ("2026-02-30T11:00:00Z", STARTED),
    ],
)
def test_a_later_or_unreadable_start_is_a_refire(fired: str, ended: str) -> None:
    """A firing after the resolve continues the episode when it started later, and also when nobody can tell."""
    episode = heard(firing(0, ended), resolved(60, ended))
    assert episode.hear(firing(90, fired), at(90))
    assert (episode.resolved_at, episode.fired_again, episode.repeats) == (None, True, 1)
    assert episode.last_firing == at(90)


def test_what_fired_before_the_attempt_ended_is_not_news() -> None:
    """The end of an attempt settles what was remembered for it: nothing of it starts the next one."""
    episode = heard(firing(-60), resolved(-50), firing(-40, LATER))
    episode.retry_wanted = episode.cooldown_cleared = episode.still_firing = episode.asked_prometheus = True
    episode.end_attempt(attempt(Outcome.REJECTED))
    remembered = ("fired_again", "retry_wanted", "cooldown_cleared", "still_firing", "asked_prometheus")
    assert [name for name in remembered if getattr(episode, name)] == []


def test_what_fires_again_while_the_end_is_recorded_is_not_lost() -> None:
    """When the alert fires again before the end of a resolved attempt is on record, another attempt follows."""
    episode = heard(firing(-60), resolved(-10))
    episode.plan = plan()
    over = replace(attempt(Outcome.RESOLVED), ended_at=at(-10))
    episode.hear(firing(30, LATER), at(30))
    episode.end_attempt(over)
    assert next_step(episode, at(600)).step == "attempt"
