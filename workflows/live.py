"""What an open episode knows right now, shared by the steps of its workflow, and how it shows itself to people."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from lumen import names
from lumen.episode import Episode
from lumen.messages import ActionResult
from lumen.outcome import Outcome, State
from lumen.plan import Plan
from lumen.quorum import VoteBox
from workflows.presentation import details, status_document


class AttemptEndedError(Exception):
    """Raised by a step when the attempt is over; caught by the attempt, never by Temporal."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        """Say how the attempt ends and why, in words for a person."""
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class AskAgainError(Exception):
    """Raised by a step when what was decided does not stand any more: plan again, ask again."""


@dataclass
class ApprovalRequest:
    """One request for approval: a plan, shown under an id, with its votes."""

    id: str
    plan: Plan
    asked_at: datetime
    expires_at: datetime
    box: VoteBox = field(default_factory=VoteBox)
    plan_changed: bool = False


@dataclass
class Override:
    """An override that was admitted; ``seq`` is its entry in the ledger."""

    decision: str
    actor: str
    channel: str
    reason: str
    seq: int


class LiveEpisode:
    """The state of one open episode. Handlers write to it, steps wait on it."""

    def __init__(self, key: str, episode: Episode) -> None:
        """Start with what an earlier run carried over, if any."""
        info = workflow.info()
        self.key = key
        self.workflow_id = info.workflow_id
        self.run_id = info.run_id
        self.first_run_id = info.first_execution_run_id
        self.episode = episode
        self.state = State.PLANNING
        self.reason = ""
        self.approval: ApprovalRequest | None = None
        self.override: Override | None = None
        self.cancelled_in_temporal = False
        self.results: list[ActionResult] = []
        self.heard = 0
        self.woken = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self._shown: dict[str, str] = {names.ATTRIBUTE_STATE: State.PLANNING}

    @property
    def attempt(self) -> int:
        """The number of the attempt that runs or comes next."""
        return self.episode.attempts_ended + 1

    @property
    def resolved(self) -> bool:
        """Whether the alert is resolved now."""
        return self.episode.resolved_at is not None

    def enter(self, state: State, reason: str = "") -> None:
        """Move to ``state`` and show it: search attributes (only those that changed) and current details."""
        self.state = state
        self.reason = reason
        plan = self.episode.plan
        shown = {names.ATTRIBUTE_STATE: str(state)}
        if self.episode.outcome is not None:
            shown[names.ATTRIBUTE_OUTCOME] = str(self.episode.outcome)
        if plan is not None:
            shown[names.ATTRIBUTE_RULE] = plan.rule
            shown[names.ATTRIBUTE_TARGET] = plan.target
        updates: list[SearchAttributeUpdate[Any]] = [
            SearchAttributeKey.for_keyword(name).value_set(names.keyword(value))
            for name, value in shown.items()
            if value and self._shown.get(name) != value
        ]
        if updates:
            workflow.upsert_search_attributes(updates)
            self._shown.update(shown)
        self.refresh()

    def refresh(self) -> None:
        """Show the current details again, after a vote for example."""
        workflow.set_current_details(details(self.snapshot()))

    def in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` beside the episode; the episode waits for it before it closes."""
        self.tasks.append(asyncio.create_task(work))

    def snapshot(self) -> dict[str, Any]:
        """Return the JSON of ``GET /alerts/{key}``."""
        return status_document(self)
