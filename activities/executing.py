"""Running one action: claim in the ledger, act, record. The only place in Lumen from which anything is executed."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity

from activities.ahead import Compared
from activities.guarding import FreezeSwitch
from activities.kinds.protocol import Checking, Ended, Kind, Telling
from activities.ledger_client import LedgerClient, LedgerConflictError
from activities.metrics import WorkerMetrics
from activities.planning import current_plan
from lumen.contracts import Executing
from lumen.errors import LedgerError, LedgerUnavailableError
from lumen.messages import ActionResult, ExecuteRequest, ExecuteResult, LedgerAppend, LedgerReceipt, Start
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction, Refusal
from lumen.records import claim_entry, finished_entry, not_begun
from rules.source import RuleSource

_LOG = logging.getLogger("lumen.executing")
_HEARTBEAT = 2.0
_LEDGER_PATIENCE = 8.0
_LATE_PAUSE = 1.0
_STILL = 20.0
"""Seconds from the first look to the start: who took longer stood still (suspended host, stopped process) and starts nothing.

Less than ``options.RECORDING``, after which it may have been decided that nobody knows what became of the start.
"""
_TOLD = 2000
"""Characters of each stream in a sign of life: fewer than are redacted, so that no secret is cut before it is found."""

Redact = Callable[[str], str]
"""Returns a text without secrets."""


class LedgeredExecuting(Executing):
    """Executes actions of plans that it renders itself and that are the approved ones to the last byte."""

    def __init__(
        self,
        source: RuleSource,
        freeze: FreezeSwitch,
        ledger: LedgerClient,
        kinds: Mapping[str, Kind],
        metrics: WorkerMetrics,
        redact: Redact,
        compared: Compared,
    ) -> None:
        """Keep the collaborators; what a running action prints goes through ``redact`` before it leaves this process.

        Nothing starts before ledger and Temporal were ``compared``.
        """
        self._source = source
        self._freeze = freeze
        self._ledger = ledger
        self._kinds = kinds
        self._metrics = metrics
        self._redact = redact
        self._compared = compared
        self._late: set[asyncio.Task[None]] = set()

    @activity.defn(name="execute")
    async def execute(self, request: ExecuteRequest) -> ExecuteResult:
        """Check, claim, act, record: nothing is started that is not claimed, and one claim belongs to one start."""
        began, losses = _now(), self._compared.losses
        plan = current_plan(self._source, request.alert)
        refused = await self._refusal(plan, request)
        if refused is not None or isinstance(plan, Refusal):
            return refused or ExecuteResult(Start.PLAN_CHANGED, "the rules changed")
        action = plan.step(request.action)
        if action is None:
            return ExecuteResult(Start.PLAN_CHANGED, f"the plan has no step {request.action}")
        if impossible := await self._impossible(action):
            return ExecuteResult(Start.CANNOT_START, f"{action.name} cannot start on this worker: {impossible}")
        stop = _Stop()
        run_id = activity.info().workflow_run_id or ""
        heartbeats = asyncio.create_task(self._heartbeat(action, request.key))
        try:
            return await _to_the_end(
                self._claim_and_act(request, plan, action, run_id, stop, _Begun(began, losses)), stop
            )
        finally:
            heartbeats.cancel()

    async def _refusal(self, plan: Plan | Refusal, request: ExecuteRequest) -> ExecuteResult | None:
        if isinstance(plan, Refusal) or plan.digest != request.digest:
            return ExecuteResult(Start.PLAN_CHANGED, "the rule changed after it was decided about")
        # The server's clock, by which the decision was dated too; this host's may be off.
        if request.valid_until is not None and activity.info().started_time > request.valid_until:
            return ExecuteResult(Start.DECISION_LAPSED, "the decision was too old when the action could start")
        # Before the freeze is asked for, since the comparison may turn it on.
        if not await self._compared.within(_LEDGER_PATIENCE):
            return ExecuteResult(Start.NO_LEDGER, "ledger and Temporal could not be compared yet")
        frozen = await self._freeze.reason(fresh=True)
        return ExecuteResult(Start.FROZEN, frozen) if frozen else None

    async def _impossible(self, action: PlannedAction) -> str:
        kind = self._kinds[action.kind]
        return await asyncio.to_thread(kind.cannot_start, action) if isinstance(kind, Checking) else ""

    async def _claim_and_act(
        self, request: ExecuteRequest, plan: Plan, action: PlannedAction, run_id: str, stop: _Stop, begun: _Begun
    ) -> ExecuteResult:
        nonce = uuid.uuid4().hex
        entry = claim_entry(request, action, plan, nonce, run_id)
        try:
            claim = await self._append(entry)
        except LedgerConflictError:
            return ExecuteResult(Start.CLAIMED_BY_ANOTHER, "another start holds the claim in the ledger")
        except LedgerUnavailableError as error:
            return ExecuteResult(Start.NO_LEDGER, str(error), nonce=nonce)
        except LedgerError as error:
            return ExecuteResult(Start.LEDGER_REFUSED, f"the ledger refused the claim: {error}", nonce=nonce)
        if why := self._too_late(begun):
            late = not_begun(request, action, f"not started: {why}")
            self._append_later(finished_entry(late, request.tried, nonce, request.workflow_id))
            return ExecuteResult(Start.NO_LEDGER, late.reason, nonce=nonce)
        result = await self._act(request, plan, action, stop)
        self._metrics.actions.labels(action.kind, result.status).inc()
        self._metrics.action_seconds.labels(action.kind).observe(result.duration_sec)
        try:
            finished = await self._append(finished_entry(result, request.tried, nonce, request.workflow_id))
        except (LedgerUnavailableError, LedgerError):
            # The workflow appends it, for as long as it takes. Should Temporal be away as well and never hear of the
            # result, then it is only here: so this process goes on trying too; whoever comes first wins.
            self._append_later(finished_entry(result, request.tried, nonce, request.workflow_id))
            return ExecuteResult(Start.RAN, "", result, recorded=False, nonce=nonce, proof_refs=(claim.seq,))
        return ExecuteResult(Start.RAN, "", result, recorded=True, nonce=nonce, proof_refs=(claim.seq, finished.seq))

    def _too_late(self, begun: _Begun) -> str:
        """Return why nothing may start any more although it is claimed, or nothing."""
        if (took := _now() - begun.at) > _STILL:
            # Its attempt may be over by now, and its lock somebody else's.
            return f"its worker stood still for {took:.0f} s before that"
        if not self._compared.still(begun.losses):
            # An older Temporal may be back, and the comparison may not have seen this claim.
            return "its worker lost Temporal before that"
        return ""

    async def _act(self, request: ExecuteRequest, plan: Plan, action: PlannedAction, stop: _Stop) -> ActionResult:
        began = time.monotonic()
        ended = await self._kinds[action.kind].run(action, plan, request, stop.wanted)
        if stop.shut_down:
            ended = _after_shutdown(ended, action)
        return ActionResult(
            name=action.name,
            kind=action.kind,
            key=request.key,
            status=ended.status,
            reason=ended.reason,
            duration_sec=round(time.monotonic() - began, 3),
            detail=ended.detail,
        )

    async def _heartbeat(self, action: PlannedAction, key: str) -> None:
        """Give signs of life, with the end of what the action has printed so far; the console shows it."""
        kind = self._kinds[action.kind]
        # Not at once: each is a write in Temporal, and most actions are over before the first is needed.
        while True:
            await asyncio.sleep(_HEARTBEAT)
            said = kind.said(key) if isinstance(kind, Telling) else {}
            told = {name: self._redact(text)[-_TOLD:] for name, text in said.items()}
            activity.heartbeat({"action": action.name, **told})

    def _append_later(self, entry: LedgerAppend) -> None:
        late = asyncio.create_task(self._append_until_taken(entry))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _append_until_taken(self, entry: LedgerAppend) -> None:
        while True:
            try:
                await self._ledger.append(entry)
            except LedgerUnavailableError:
                await asyncio.sleep(_LATE_PAUSE)
                continue
            except LedgerError:
                _LOG.exception("the ledger refused the result of %s", entry.idem)
            return

    async def _append(self, entry: LedgerAppend) -> LedgerReceipt:
        give_up = time.monotonic() + _LEDGER_PATIENCE
        # Twice at least: who stood still meanwhile has missed an answer that was given.
        tries = 0
        while True:
            tries += 1
            try:
                return await self._ledger.append(entry)
            except LedgerUnavailableError:
                if tries > 1 and time.monotonic() >= give_up:
                    raise
                await asyncio.sleep(0.5)


def _now() -> float:
    """Return seconds that go on while the host is suspended, where it can tell (Linux)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class _Begun:
    """When a start was first looked at (``at``, see :func:`_now`), and how often Temporal had been lost by then."""

    at: float
    losses: int


@dataclass
class _Stop:
    """Whether the action should stop, and whether that is because its worker stops."""

    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    shut_down: bool = False


async def _to_the_end(work: Coroutine[Any, Any, ExecuteResult], stop: _Stop) -> ExecuteResult:
    """Await ``work`` whatever is cancelled meanwhile; ask it to stop where a human or the worker's shutdown wants that.

    When Temporal merely gave this activity up, what runs is let run to its end: the ledger gets its result, and the
    workflow finds it there.
    """
    running = asyncio.create_task(work)
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            stop.shut_down = stop.shut_down or bool(details and details.worker_shutdown)
            if details is None or details.cancel_requested or details.worker_shutdown:
                stop.wanted.set()
    return running.result()


def _after_shutdown(ended: Ended, action: PlannedAction) -> Ended:
    """A worker that was told to stop ended the action in its middle: what it did until then is not known."""
    if ended.status is not ActionStatus.CANCELLED:
        return ended
    status = ActionStatus.FAILED if action.idempotent else ActionStatus.UNKNOWN
    return Ended(status, "ended in its middle because its worker was stopped", ended.detail)
