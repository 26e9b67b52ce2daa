"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.moments import Clock
from lumen.records import rfc3339
from lumen.wording import Wording

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [
        (3, "just now", "방금"),
        (34, "30 s ago", "30초 전"),
        (200, "3 min ago", "3분 전"),
        (7500, "2 h 5 min ago", "2시간 5분 전"),
        (-86400 * 3 - 3600 * 4, "in 3 d 4 h", "3일 4시간 후"),
        (-5, "just now", "방금"),
    ],
)
def test_how_far_a_time_is(seconds: float, english: str, korean: str) -> None:
    """A time is told from now on, in at most two units, in the language of the page."""
    text = rfc3339(NOW - timedelta(seconds=seconds))
    for lang, wanted in (("en", english), ("ko", korean)):
        found = Clock(Wording(lang), NOW).when(text)
        assert found is not None
        assert found.relative == wanted


def test_a_deadline_tells_what_is_left() -> None:
    """What is left, and that nothing is."""
    clock = Clock(Wording("en"), NOW)
    left = [clock.left(rfc3339(NOW + timedelta(seconds=seconds))) for seconds in (600, -1)]
    assert [one.relative for one in left if one] == ["10 min left", "time is up"]


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-11-22T08:00:00", 7])
def test_what_is_no_time_is_nothing(text: object) -> None:
    """Text that names no moment is left out, not guessed."""
    clock = Clock(Wording("en"), NOW)
    assert clock.when(text) is None
    assert clock.left(text) is None


@given(st.floats(min_value=0, max_value=1e8))
def test_a_page_that_only_ages_changes_seldom(seconds: float) -> None:
    """Within ten seconds a length of time has at most two texts, so that a page is not new each second."""
    clock = Clock(Wording("en"), NOW)
    assert len({clock.span(seconds + step) for step in range(10)}) <= 2
