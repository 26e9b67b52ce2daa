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
from lumen.ballot import OverrideDecision
from lumen.episode import Episode
from lumen.messages import ActionResult
from lumen.outcome import Outcome, State
from lumen.plan import Plan
from lumen.quorum import VoteBox
from lumen.waiting import Waiting
from workflows.presentation import details, status_document
from workflows.showing import Showing

CANCELLED_IN_TEMPORAL = "the workflow was cancelled in Temporal"


class AttemptEndedError(Exception):
    """Raised by a step when the attempt is over; caught by the attempt, never by Temporal."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        """Say how the attempt ends and why, in words for a person."""
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class AskAgainError(Exception):
    """Raised by a step when what was decided does not stand any more: plan again, ask again.

    ``plan_refused``: a worker that should act made another plan than the one that was decided about.
    """

    def __init__(self, *, plan_refused: bool = False) -> None:
        """Say whether a worker refused the plan."""
        super().__init__()
        self.plan_refused = plan_refused


class LookAgainError(Exception):
    """Raised by a step when nothing began and time has passed: look again whether it should still begin."""


@dataclass
class ApprovalRequest:
    """One request for approval: a plan, shown under an id, with its votes.

    ``judging`` counts the votes that have arrived and are not counted yet: a deadline waits for them. ``used`` maps the
    links that have voted, or are being judged, to the ballot that they voted with; ``cast`` counts the votes of each name.
    ``undoing``: it is about a rollback, so
    a resolve does not end it; ``known`` is the override that stood before it, ``cancel_known`` whether a cancel did.
    """

    id: str
    plan: Plan
    waiting: Waiting
    box: VoteBox = field(default_factory=VoteBox)
    plan_changed: bool = False
    judging: int = 0
    closed: bool = False
    used: dict[str, str] = field(default_factory=dict)
    cast: dict[str, int] = field(default_factory=dict)
    undoing: bool = False
    known: Override | None = None
    cancel_known: bool = False


@dataclass
class Override:
    """An override that was admitted; ``seq`` is its entry in the ledger, ``digest`` the plan it means if it names one."""

    decision: str
    actor: str
    channel: str
    reason: str
    seq: int
    at: datetime
    digest: str


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
        self.in_attempt = False
        self.unproven = ""
        self.cancelled_in_temporal = False
        self.cancel_noted = False  # that, and no step was interrupted by it: so since the patch "cancel-is-noted"
        self.results: list[ActionResult] = []
        self.verification: dict[str, Any] | None = None
        self.undoing = False
        self.edition = 0
        self.unserved: tuple[str, ...] = ()
        self.showing = Showing(self)
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

    @property
    def cancel_wanted(self) -> bool:
        """Whether a human wants what runs to end. A rollback, which a cancel may have begun, goes on to its own end."""
        cancelled = self.override is not None and self.override.decision == OverrideDecision.CANCEL
        return (cancelled or self.cancelled_in_temporal) and not self.undoing

    def note_proofs(self, seqs: tuple[int, ...]) -> None:
        """Remember where entries of this episode stand in the ledger, the newest hundred."""
        self.episode.proof_refs = [*self.episode.proof_refs, *seqs][-100:]

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
        self.showing.entered(state)

    def refresh(self) -> None:
        """Show the current details again, after a vote for example."""
        workflow.set_current_details(details(self.snapshot()))

    def in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` beside the episode; the episode waits for it before it closes."""
        self.tasks.append(asyncio.create_task(work))

    def snapshot(self) -> dict[str, Any]:
        """Return the JSON of ``GET /alerts/{key}``."""
        return status_document(self)
