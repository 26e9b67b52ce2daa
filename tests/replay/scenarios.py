"""Everything that is recorded, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.replay import channels, outcomes, remedies, ways
from tests.replay.stage import Handle, Stage

SCENARIOS: tuple[Callable[[Stage], Awaitable[dict[str, Handle]]], ...] = (
    outcomes.remediated,
    outcomes.failed,
    outcomes.unknown,
    outcomes.unknown_to_the_end,
    outcomes.rejected,
    outcomes.expired,
    outcomes.resolved,
    outcomes.condition_not_met,
    outcomes.suppressed,
    outcomes.refused,
    outcomes.dry_run,
    outcomes.cancelled,
    outcomes.cancelled_in_temporal,
    ways.three_attempts,
    ways.waiting_ledger,
    ways.waiting_ledger_claim,
    ways.blocked_guard,
    ways.dead_holder,
    ways.frozen,
    ways.woken,
    ways.changed_rule,
    ways.overridden,
    ways.intake,
    ways.intake_not_open,
    ways.requested,
    channels.escalated,
    channels.reminded,
    channels.anonymous,
    channels.shown,
    channels.shown_late,
    remedies.verified,
    remedies.verified_by_the_alert,
    remedies.rolled_back,
    remedies.rollback_failed,
    remedies.rollback_approved,
    remedies.rollback_rejected,
    remedies.cancelled_and_undone,
    remedies.cancelled_in_temporal_and_undone,
    remedies.checked,
    remedies.budget_spent,
    remedies.breaker,
    remedies.command,
)
