"""Times as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.ages import ago, left, span
from lumen.records import rfc3339

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (7500, "2h 5m"),
        (86399, "23h 59m"),
        (86400, "1d"),
        (273600, "3d 4h"),
    ],
)
def test_a_span_has_at_most_two_units(seconds: float, shown: str) -> None:
    """It is rounded down, so that nobody is promised more time than there is."""
    assert span(seconds) == shown


@given(st.integers(-(10**7), 10**7))
def test_ago_and_left_say_on_which_side_of_now(seconds: int) -> None:
    """What is past is ago, what is to come is in; what is to come has time left."""
    text = rfc3339(NOW + timedelta(seconds=seconds))
    assert ago(text, NOW).startswith("in ") == (seconds > 0)
    assert ago(text, NOW).endswith(" ago") == (seconds <= 0)
    assert (left(text, NOW) == "over") == (seconds <= 0)


@pytest.mark.parametrize("text", ["", None, "yesterday", "2026-03-01T12:00:00"])
def test_what_is_no_time_stays_as_it_is(text: str | None) -> None:
    """A sender's own spelling of a time is shown, not guessed at."""
    assert ago(text, NOW) == left(text, NOW) == (text or "")
