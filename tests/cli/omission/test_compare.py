"""What fits between ledger and Temporal, what does not, and what only looks as if it did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.omission.compare import (
    ATTEMPT_WITHOUT_EPISODE,
    CLAIM_WITHOUT_RESULT,
    EPISODE_WITHOUT_ENTRIES,
    Chain,
    Ended,
    Execution,
    Finding,
    Recorded,
    compare,
    ended,
    suspects,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
RETENTION = timedelta(days=7)
WORKFLOW = "alert-alertmanager-0aa043e5d176c819"
ATTEMPT = f"{WORKFLOW}/run-1/1"
GROW = f"{ATTEMPT}/grow"


def recorded(
    *, tries: int = 1, finished: bool = True, status: str | None = "succeeded", age: timedelta = timedelta(hours=1)
) -> Recorded:
    """Return what the ledger says of one attempt with one action; without an attempt if ``status`` is None."""
    found = Recorded(claims={GROW: dict.fromkeys(range(1, tries + 1), 5)})
    if finished:
        found.finished.add((GROW, tries))
    if status is not None:
        found.attempts[ATTEMPT] = Ended(9, NOW - age, {GROW: status})
    return found


def execution(status: str = "COMPLETED", state: str = "closed", run: str = "run-1") -> Execution:
    """Return a run as Temporal lists it."""
    return Execution(WORKFLOW, run, status, state, NOW - timedelta(hours=2))


def findings(ledger: Recorded, *executions: Execution, chains: dict[str, Chain] | None = None) -> list[Finding]:
    """Return what does not fit; chains are given by run id."""
    looked_at = {(WORKFLOW, run): chain for run, chain in (chains or {}).items()}
    return compare(ledger, list(executions), looked_at, NOW, RETENTION)


def test_what_fits_is_no_finding() -> None:
    """A closed episode with its attempt, and an open one that is still on its way: nothing has to be looked at."""
    assert findings(recorded(), execution()) == []
    assert suspects(recorded(), [execution()]) == set()
    assert findings(Recorded(), execution("RUNNING", "executing"), execution("RUNNING", "", "run-2")) == []


def test_a_claim_without_a_result_is_an_omission() -> None:
    """Nothing explains it: the episode is closed, and its attempt is not there, does not know the action, or says success."""
    for status in (None, "succeeded"):
        (found,) = [one for one in findings(recorded(finished=False, status=status), execution()) if one.seq == 5]
        assert (found.what, found.about, found.explained) == (CLAIM_WITHOUT_RESULT, GROW, "")
    other = recorded(finished=False)
    other.attempts[ATTEMPT] = Ended(9, NOW, {})
    assert [one.explained for one in findings(other, execution())] == [""]
    assert suspects(recorded(finished=False), [execution()]) == {WORKFLOW}


@pytest.mark.parametrize("status", ["unknown", "failed", "cancelled"])
def test_a_claim_whose_worker_was_lost_is_explained(status: str) -> None:
    """The attempt itself says how the action ended."""
    (found,) = findings(recorded(finished=False, status=status), execution())
    assert found.explained == f"recorded as {status}"


def test_a_claim_that_was_started_again_or_erased_is_explained() -> None:
    """An earlier try of an idempotent action has no result; an erased attempt cannot be asked."""
    assert [one.explained for one in findings(recorded(tries=3), execution())] == ["started again"] * 2
    erased = recorded(finished=False)
    erased.attempts[ATTEMPT] = Ended(9, None, None)
    assert [one.explained for one in findings(erased, execution())] == ["erased"]


def test_a_claim_of_an_open_episode_is_still_running() -> None:
    """Open under the same first run, also after a continue-as-new; another episode of the same alert explains nothing."""
    running = recorded(finished=False, status=None)
    for run in ("run-1", "run-7"):
        (found,) = findings(running, execution("RUNNING", "executing", run), chains={run: Chain("run-1", is_open=True)})
        assert found.explained == "still running"
    (found,) = findings(
        running, execution("RUNNING", "executing", "run-9"), chains={"run-9": Chain("run-9", is_open=True)}
    )
    assert found.explained == ""


@pytest.mark.parametrize(
    ("status", "state", "owes"),
    [
        ("COMPLETED", "closed", True),
        ("RUNNING", "cooling", True),
        ("RUNNING", "watching", True),
        ("RUNNING", "executing", False),
        ("RUNNING", "", False),
        ("TERMINATED", "executing", False),
        ("CONTINUED_AS_NEW", "cooling", False),
    ],
)
def test_an_episode_that_ended_an_attempt_owes_entries(status: str, state: str, owes: bool) -> None:
    """Closed, cooling or watching: the ledger has at least one attempt of it."""
    found = findings(Recorded(), execution(status, state))
    assert [(one.what, one.about) for one in found] == [(EPISODE_WITHOUT_ENTRIES, f"{WORKFLOW}/run-1")] * owes
    assert suspects(Recorded(), [execution(status, state)]) == ({WORKFLOW} if owes else set())


def test_an_episode_is_known_by_its_first_run() -> None:
    """Entries name the first run of a chain: a later run has none of its own, another episode's do not count."""
    later = execution(run="run-5")
    assert findings(recorded(), later, chains={"run-5": Chain("run-1", is_open=False)}) == []
    found = findings(recorded(), execution(), later, chains={"run-5": Chain("run-5", is_open=False)})
    assert [one.what for one in found] == [EPISODE_WITHOUT_ENTRIES]


def test_an_attempt_without_an_episode_is_an_omission_while_temporal_must_know_it() -> None:
    """Within the retention somebody took the episode away; beyond it Temporal may have forgotten."""
    (found,) = findings(recorded())
    assert (found.what, found.about, found.seq, found.explained) == (ATTEMPT_WITHOUT_EPISODE, ATTEMPT, 9, "")
    (old,) = findings(recorded(age=RETENTION + timedelta(minutes=1)))
    assert old.explained.startswith("not comparable")
    undated = recorded()
    undated.attempts[ATTEMPT] = Ended(9, None, None)
    assert findings(undated)[0].explained.startswith("not comparable")
    assert suspects(recorded(), []) == {WORKFLOW}


@pytest.mark.parametrize("part", [None, {}, [], {"actions": 1}, {"ended_at": "x"}])
def test_a_part_that_says_nothing_is_not_judged(part: Any) -> None:
    """Erased, or written by something else."""
    assert ended(3, part) == Ended(3, None, None)


def test_a_part_is_read() -> None:
    """Statuses by key, and when it ended."""
    part = {"ended_at": "2026-01-31T12:00:00.000Z", "actions": [{"key": GROW, "status": "failed"}, "x"]}
    assert ended(3, part) == Ended(3, NOW, {GROW: "failed"})
