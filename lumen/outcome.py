"""The states an episode passes through and the outcomes an attempt can have."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an episode stands now; the search attribute ``LumenState``."""

    PLANNING = "planning"
    BLOCKED = "blocked"
    AWAITING_APPROVAL = "awaiting_approval"
    WAITING_LEDGER = "waiting_ledger"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    ROLLING_BACK = "rolling_back"
    COOLING = "cooling"
    WATCHING = "watching"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How an attempt ended; an episode's outcome is that of its last ended attempt."""

    REMEDIATED = "remediated"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    EXPIRED = "expired"
    RESOLVED = "resolved"
    CONDITION_NOT_MET = "condition_not_met"
    SUPPRESSED = "suppressed"
    REFUSED = "refused"
    DRY_RUN = "dry_run"
    CANCELLED = "cancelled"


RAN = frozenset({Outcome.REMEDIATED, Outcome.ROLLED_BACK, Outcome.FAILED, Outcome.UNKNOWN})
"""Outcomes that count against ``limits.attempts``: something ran or may have run."""

FAILED = frozenset({Outcome.ROLLED_BACK, Outcome.FAILED, Outcome.UNKNOWN})
"""Outcomes that count as failed remediations for the circuit breaker of a rule."""

RETRIED_WHILE_FIRING = frozenset({Outcome.REMEDIATED, Outcome.ROLLED_BACK, Outcome.FAILED})
"""Outcomes after which the alert, if it still fires, gets another attempt by itself."""

EVALUATED_AGAIN = frozenset({Outcome.CONDITION_NOT_MET, Outcome.SUPPRESSED})
"""Outcomes after which the rule is evaluated again as soon as the alert is heard again."""

HUMAN_NEEDED = frozenset({Outcome.UNKNOWN, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REFUSED})
"""Outcomes that a human must be told about."""


class ActionStatus(StrEnum):
    """How one action ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    DRY_RUN = "dry_run"
