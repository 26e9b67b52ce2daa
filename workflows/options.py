"""Timeouts and retry policies of every activity call, in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

LEDGER_REFUSED = "ledger_refused"
"""Type of the ``ApplicationError`` of an entry that the ledger will never take."""

KILL_GRACE = 10.0
"""Seconds between TERM and KILL of a command."""

LEDGER_MARGIN = 120.0
"""Seconds that an action's activity may spend on its two ledger entries, beside the action's own time."""

RECORDING = 30.0
"""Seconds after the end of an action in which its result surely gets into a ledger that answers."""

HEARTBEAT = 10.0
"""Seconds without a heartbeat after which a worker counts as lost."""


class QuickOptions(TypedDict, total=False):
    """Options of a short question or note."""

    schedule_to_close_timeout: timedelta
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class NormalOptions(TypedDict, total=False):
    """Options of an activity that the server schedules."""

    start_to_close_timeout: timedelta
    schedule_to_start_timeout: timedelta | None
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


def preparation() -> QuickOptions:
    """Options for plan, condition and guard: idempotent, so it is repeated until it answers, for as long as that takes."""
    return QuickOptions(
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)),
    )


def judgement() -> QuickOptions:
    """Options for judging a ballot while its sender waits; without any worker it waits too, since no vote is lost."""
    return QuickOptions(
        start_to_close_timeout=timedelta(seconds=5),
        retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=5),
    )


def question() -> QuickOptions:
    """Options for a question that may stay without an answer."""
    return QuickOptions(
        start_to_close_timeout=timedelta(seconds=15),
        retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3),
    )


def quick_append() -> QuickOptions:
    """Options for the usual case of a ledger entry: the ledger answers at once."""
    return QuickOptions(start_to_close_timeout=timedelta(seconds=4), retry_policy=RetryPolicy(maximum_attempts=1))


def patient_append() -> NormalOptions:
    """Options for a ledger entry while the ledger is away: as long as it takes."""
    return NormalOptions(
        start_to_close_timeout=timedelta(seconds=15),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1),
            backoff_coefficient=1.5,
            maximum_interval=timedelta(seconds=10),
            non_retryable_error_types=[LEDGER_REFUSED],
        ),
    )


def recovery(wait: float) -> NormalOptions:
    """Options for reading what became of a start; ``wait`` seconds are spent waiting for its result."""
    return NormalOptions(
        start_to_close_timeout=timedelta(seconds=wait + 30),
        heartbeat_timeout=timedelta(seconds=HEARTBEAT),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1),
            maximum_interval=timedelta(seconds=10),
            non_retryable_error_types=[LEDGER_REFUSED],
        ),
    )


def execution(timeout: float, start_within: timedelta | None) -> NormalOptions:
    """Options for an action: one attempt, since Temporal alone cannot know whether a lost one has started."""
    return NormalOptions(
        start_to_close_timeout=timedelta(seconds=timeout + KILL_GRACE + LEDGER_MARGIN),
        schedule_to_start_timeout=start_within,
        heartbeat_timeout=timedelta(seconds=HEARTBEAT),
        retry_policy=RetryPolicy(maximum_attempts=1),
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


def probing(longest: timedelta) -> NormalOptions:
    """Options for looking whether something holds; it changes nothing, so a lost worker's look is begun anew."""
    return NormalOptions(
        start_to_close_timeout=longest,
        schedule_to_start_timeout=longest,
        heartbeat_timeout=timedelta(seconds=HEARTBEAT),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10), maximum_attempts=5
        ),
        cancellation_type=ActivityCancellationType.TRY_CANCEL,
    )


def telling() -> dict[str, Any]:
    """Options for telling a human: over an hour of tries, then it is left to the metrics."""
    return {
        "start_to_close_timeout": timedelta(seconds=30),
        "schedule_to_close_timeout": timedelta(hours=1),
        "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=2)),
    }


def sending_command() -> dict[str, Any]:
    """Options for a command on the control bus: a day of tries, since its key makes a repetition harmless there."""
    return {
        "start_to_close_timeout": timedelta(seconds=45),
        "schedule_to_close_timeout": timedelta(hours=24),
        "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10)),
    }


def showing() -> dict[str, Any]:
    """Options for the message in which people follow an episode: an hour of tries, then it waits for the next change."""
    return {
        "start_to_close_timeout": timedelta(seconds=30),
        "schedule_to_close_timeout": timedelta(hours=1),
        "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
    }


def counting() -> QuickOptions:
    """Options for counters: never worth waiting for."""
    return QuickOptions(
        start_to_close_timeout=timedelta(seconds=5),
        schedule_to_close_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(maximum_attempts=1),
    )


def delivery() -> dict[str, Any]:
    """Options for handing a batch of alerts to their episodes: repeated until Temporal took them all."""
    return {
        "start_to_close_timeout": timedelta(minutes=10),
        "heartbeat_timeout": timedelta(seconds=30),
        "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
    }


def lookup() -> dict[str, Any]:
    """Options for a short question to Temporal itself."""
    return {
        "start_to_close_timeout": timedelta(seconds=10),
        "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
    }
