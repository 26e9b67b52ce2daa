"""The verdict on a soak: what grows is found, what is level passes."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.soak.pace import Pace, pace
from benchmarks.soak.stories import OUTCOMES, STORIES
from benchmarks.soak.verdict import costs, judge

PACE = Pace(seconds=1000, linger=0, history=0, reference=200, window=100, growth=0.1)
CLEAN = {"faults": 0}


def samples(**last: Any) -> list[dict[str, Any]]:
    """Return samples every 10 s that are level, but for what ``last`` says of the last 100 s."""
    return [sample(t, **(last if t >= 900 else {})) for t in range(0, 1001, 10)]


def sample(
    t: int,
    rss: float = 100e6,
    fds: int = 20,
    opened: int = 50,
    closed: int | None = None,
    events: int = 100,
    log: float = 16e6,
) -> dict[str, Any]:
    """Return one look at three processes."""
    process = {"rss": rss, "fds": fds, "cpu": t / 10}
    return {
        "t": t,
        "processes": dict.fromkeys(("worker", "api", "proofd"), process),
        "files": {"proof.db": t * 1000, "proof.db-wal": log, "temporal.db": t * 2000},
        "open": opened,
        "open_episodes": opened,
        "closed": t if closed is None else closed,
        "height": 2 * t,
        "history": {"events": events},
    }


def failed(found: list[dict[str, Any]], flow: dict[str, Any] | None = None) -> set[str]:
    """Return the names of the checks that do not hold."""
    return {check.name for check in judge(found, PACE, flow or CLEAN) if not check.ok}


def test_what_is_level_passes() -> None:
    """No check fails when nothing grows, or when it grows within its bound."""
    assert failed(samples()) == set()
    assert failed(samples(rss=109e6, fds=28, opened=105, events=8192)) == set()


@pytest.mark.parametrize(
    ("grown", "found"),
    [
        ({"rss": 111e6}, {"worker resident", "api resident", "proofd resident"}),
        ({"fds": 29}, {"worker file descriptors", "api file descriptors", "proofd file descriptors"}),
        ({"opened": 106}, {"open workflows"}),
        ({"closed": 30}, {"episodes still open, of all executions"}),
        ({"events": 8193}, {"longest history"}),
        ({"log": 41e6}, {"write-ahead log of the ledger"}),
    ],
)
def test_what_grows_is_found(grown: dict[str, Any], found: set[str]) -> None:
    """Each check fails by what it is about, and by nothing else."""
    assert failed(samples(**grown)) == found


def test_one_wrong_answer_fails() -> None:
    """A soak that stays level and answers wrongly has failed."""
    assert failed(samples(), {"faults": 1}) == {"wrong answers and outcomes"}


def test_looks_that_were_cut_short_are_left_out() -> None:
    """A look without counts does not hide those that have them; a window without any look is an error."""
    found = samples()
    del found[95]["open"], found[95]["history"]
    assert failed(found) == set()
    with pytest.raises(ValueError, match="no samples at 200 s"):
        judge(found[40:], PACE, CLEAN)


def test_the_costs_of_an_episode() -> None:
    """Bytes, entries and processor time are those of the run divided by its episodes or seconds."""
    found = costs(samples(), PACE)
    assert found["episodes"] == 1000
    assert found["temporal_db_bytes_per_episode"] == 2000
    assert found["proof_db_bytes_per_episode"] == 1000
    assert found["ledger_entries_per_episode"] == 2
    assert found["worker_core_share"] == 0.1


def test_a_long_soak_changes_nothing_in_lumen() -> None:
    """Only a short one shortens what takes minutes, and compares at 40 % of its time with a wider bound."""
    long, short = pace(120), pace(5)
    assert (long.linger, long.history, long.reference, long.window, long.growth) == (0, 0, 900, 120, 0.10)
    assert (short.linger, short.history, short.reference, short.growth) == (20, 200, 120, 0.25)


def test_every_story_has_its_outcome() -> None:
    """A story that is told without an outcome to expect would prove nothing."""
    assert {story for story, _ in STORIES} == set(OUTCOMES)
