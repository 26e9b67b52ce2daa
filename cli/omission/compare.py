"""What should be in the ledger and is not, or the other way round: the comparison itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lumen.outcome import ActionStatus, State
from lumen.records import moment

CLAIM_WITHOUT_RESULT = "claim without result"
EPISODE_WITHOUT_ENTRIES = "episode without entries"
ATTEMPT_WITHOUT_EPISODE = "attempt without episode"
_WITHOUT_RESULT = frozenset({ActionStatus.UNKNOWN, ActionStatus.FAILED, ActionStatus.CANCELLED})
"""How an action can end without a result of its own: its worker was lost, so it could not write one."""
_ENDED_STATES = frozenset({State.COOLING, State.WATCHING, State.CLOSED})


@dataclass(frozen=True)
class Ended:
    """An ``auto_remediation``: its number, when the attempt ended, the status of each action by key; None if erased."""

    seq: int
    ended_at: datetime | None
    statuses: Mapping[str, str] | None


@dataclass
class Recorded:
    """What the ledger says. Keys are those of ``lumen.names``: of an action, and of an attempt.

    ``claims`` maps the key of an action to the numbers of its ``action.started`` entries by try.
    """

    first_seq: int = 0
    claims: dict[str, dict[int, int]] = field(default_factory=dict)
    finished: set[tuple[str, int]] = field(default_factory=set)
    attempts: dict[str, Ended] = field(default_factory=dict)


@dataclass(frozen=True)
class Execution:
    """One run of an episode as Temporal lists it; ``status`` is Temporal's, ``state`` Lumen's. A new run may continue it."""

    workflow_id: str
    run_id: str
    status: str
    state: str
    started: datetime


@dataclass(frozen=True)
class Chain:
    """An episode looked at closely: the first of its runs, and whether it is open."""

    first_run: str
    is_open: bool


@dataclass(frozen=True)
class Finding:
    """Something that does not fit: ``what``, the key or workflow it is about, its entry, and why that is all right."""

    what: str
    about: str
    seq: int | None = None
    explained: str = ""


def workflow_and_run(key: str) -> tuple[str, str]:
    """Return the workflow id and the first run id in the key of an attempt or an action."""
    workflow_id, _, rest = key.partition("/")
    return workflow_id, rest.partition("/")[0]


def suspects(recorded: Recorded, executions: list[Execution]) -> set[str]:
    """Return the workflow ids that have to be looked at closely before anything is said about them."""
    listed = {(one.workflow_id, one.run_id) for one in executions}
    known = {workflow_and_run(key) for key in recorded.attempts}
    found = {workflow_and_run(key)[0] for key, _, _ in _without_result(recorded)}
    found |= {one.workflow_id for one in _owing(executions) if (one.workflow_id, one.run_id) not in known}
    return found | {workflow_id for workflow_id, run in known if (workflow_id, run) not in listed}


def compare(
    recorded: Recorded,
    executions: list[Execution],
    chains: Mapping[tuple[str, str], Chain],
    now: datetime,
    retention: timedelta,
) -> list[Finding]:
    """Return everything that does not fit, explained or not.

    ``chains`` maps workflow id and run id of a listed run to its episode, at least for those that are ``suspects``.
    """
    return [
        *_claims(recorded, chains),
        *_episodes(recorded, executions, chains),
        *_attempts(recorded, executions, chains, now - retention),
    ]


def _claims(recorded: Recorded, chains: Mapping[tuple[str, str], Chain]) -> Iterator[Finding]:
    is_open = {(workflow_id, chain.first_run) for (workflow_id, _), chain in chains.items() if chain.is_open}
    for key, tried, seq in _without_result(recorded):
        attempt = recorded.attempts.get("/".join(key.split("/")[:3]))
        if any(later > tried for later in recorded.claims[key]):
            explained = "started again"
        elif attempt is not None:
            explained = _told(attempt, key)
        else:
            explained = "still running" if workflow_and_run(key) in is_open else ""
        yield Finding(CLAIM_WITHOUT_RESULT, key, seq, explained)


def _told(attempt: Ended, key: str) -> str:
    """Return how the attempt itself explains that an action has no result of its own; its success would not."""
    if attempt.statuses is None:
        return "erased"
    status = attempt.statuses.get(key, "")
    return f"recorded as {status}" if status in _WITHOUT_RESULT else ""


def _without_result(recorded: Recorded) -> Iterator[tuple[str, int, int]]:
    """Yield key, try and number of every claim that has no result."""
    for key, tries in recorded.claims.items():
        for tried, seq in sorted(tries.items()):
            if (key, tried) not in recorded.finished:
                yield key, tried, seq


def _owing(executions: list[Execution]) -> Iterator[Execution]:
    """Yield the runs of episodes of which at least one attempt has ended."""
    for one in executions:
        if one.status == "COMPLETED" or (one.status == "RUNNING" and one.state in _ENDED_STATES):
            yield one


def _episodes(
    recorded: Recorded, executions: list[Execution], chains: Mapping[tuple[str, str], Chain]
) -> Iterator[Finding]:
    known = {workflow_and_run(key) for key in recorded.attempts}
    for one in _owing(executions):
        chain = chains.get((one.workflow_id, one.run_id))
        runs = {one.run_id, chain.first_run if chain else one.run_id}
        if not any((one.workflow_id, run) in known for run in runs):
            yield Finding(EPISODE_WITHOUT_ENTRIES, f"{one.workflow_id}/{chain.first_run if chain else one.run_id}")


def _attempts(
    recorded: Recorded,
    executions: list[Execution],
    chains: Mapping[tuple[str, str], Chain],
    kept_since: datetime,
) -> Iterator[Finding]:
    listed = {(one.workflow_id, one.run_id) for one in executions}
    listed |= {(workflow_id, chain.first_run) for (workflow_id, _), chain in chains.items()}
    for key, attempt in recorded.attempts.items():
        if workflow_and_run(key) not in listed:
            gone = attempt.ended_at is None or attempt.ended_at <= kept_since
            explained = "not comparable: Temporal may have forgotten the episode" if gone else ""
            yield Finding(ATTEMPT_WITHOUT_EPISODE, key, attempt.seq, explained)


def ended(seq: int, part: Any) -> Ended:
    """Return what the part ``remediation`` says; None for one that is erased or is something else."""
    if not isinstance(part, dict) or not isinstance(part.get("actions"), list):
        return Ended(seq, None, None)
    actions = [one for one in part["actions"] if isinstance(one, dict)]
    statuses = {str(one.get("key")): str(one.get("status")) for one in actions}
    return Ended(seq, moment(str(part.get("ended_at"))), statuses)
