"""GuardWorkflow: who may act on one target (or run one rule) now, durable and visible; it ends when nothing is left."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from lumen import names
from lumen.canonical import digest
from lumen.contracts import Proving, Routing
from lumen.display import markdown_code
from lumen.guard import Answer, Claim, Guard
from lumen.messages import HolderQuestion, HolderState, LedgerAppend
from lumen.records import KIND_OVERRIDE, moment, rfc3339
from workflows import options

_IDLE = timedelta(seconds=30)


@dataclass(frozen=True)
class GuardStart:
    """The argument of ``GuardWorkflow``; ``carry`` is set by continue-as-new only."""

    carry: Guard | None = None


@workflow.defn(name=names.GUARD_WORKFLOW)
class GuardWorkflow:
    """The lock, the queue and the cooldowns of one target."""

    @workflow.init
    def __init__(self, start: GuardStart) -> None:
        """Begin empty, or with what continue-as-new carried over."""
        self.guard = start.carry or Guard()
        self.changed = 0
        self.told: list[str] = []

    @workflow.run
    async def run(self, start: GuardStart) -> None:  # noqa: ARG002 - `init` and `run` take the same arguments
        """Tell those who wait, free what a dead holder left, forget what has cooled; end after a while of nothing."""
        while True:
            await self._tell()
            await self._free_expired()
            if self.guard.forget_old(workflow.now()):
                self._promote()
            self._show()
            if self.told:
                continue
            if workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished():
                workflow.continue_as_new(GuardStart(self.guard))
            if await self._nothing_happened() and self.guard.idle and workflow.all_handlers_finished():
                return

    async def _nothing_happened(self) -> bool:
        """Wait for a change or the next deadline; return whether nothing came."""
        seen = self.changed
        deadline = self.guard.next_deadline()
        left = (deadline - workflow.now()).total_seconds() if deadline else _IDLE.total_seconds()
        try:
            await workflow.wait_condition(lambda: self.changed != seen, timeout=max(left, 0.0))
        except TimeoutError:
            return True
        return False

    async def _tell(self) -> None:
        told, self.told = self.told, []
        for workflow_id in told:
            handle = workflow.get_external_workflow_handle(workflow_id)
            try:
                await handle.signal(names.SIGNAL_GRANTED, workflow.info().workflow_id)
            except ApplicationError:
                self._drop(workflow_id)

    def _drop(self, workflow_id: str) -> None:
        """Forget the places of an episode that is closed: it cannot take what it was given."""
        for place in [place for place in self.guard.places if place.claim.workflow_id == workflow_id]:
            self.guard.release(place.claim.holder, ran=False, now=workflow.now())
        self._promote()

    async def _free_expired(self) -> None:
        for place in self.guard.expired(workflow.now()):
            if await self._is_open(place.claim):
                self.guard.extend(place.claim.holder, workflow.now())
            else:
                # Nobody can say whether its action ran, so the cooldown holds.
                self.guard.release(place.claim.holder, ran=True, now=workflow.now())
                self._promote()

    async def _is_open(self, claim: Claim) -> bool:
        answer: HolderState = await workflow.execute_activity_method(
            Routing.holder_state,
            HolderQuestion(claim.workflow_id, names.first_run_of(claim.holder), claim.holder),
            task_queue=names.TASK_QUEUE,
            summary="is the holder open?",
            **options.lookup(),
        )
        return answer.open

    def _promote(self) -> None:
        self.told += [claim.workflow_id for claim in self.guard.promote(workflow.now())]
        self.changed += 1

    def _show(self) -> None:
        held = [
            f"- held by {markdown_code(place.claim.holder, 300)}, token {place.token}" for place in self.guard.places
        ]
        queue = [f"- waiting: {markdown_code(claim.holder, 300)}" for claim in self.guard.waiting[:20]]
        cooling = [
            f"- {markdown_code(rule, 100)} cools until {rfc3339(until)}" for rule, until in self.guard.cooling.items()
        ]
        runs = self.guard.budget.runs
        spent = [f"- {len(runs)} run(s) count, the oldest until {rfc3339(runs[0].until)}"] if runs else []
        workflow.set_current_details("\n".join(held + queue + cooling + spent) or "free")

    @workflow.update(name=names.GUARD_ACQUIRE, description="Ask for a place; asking again gives the same answer.")
    def acquire(self, claim: Claim) -> Answer:
        """Grant, queue, or say until when the rule cools."""
        self._promote()
        answer = self.guard.acquire(claim, workflow.now())
        self.changed += 1
        return answer

    @workflow.signal(
        name=names.GUARD_RELEASE, description='Give a place back: {"holder":"…","ran":true,"failed":false,"at":"…"}'
    )
    def release(self, payload: dict[str, Any]) -> None:
        """Free the place of a holder and tell whoever comes next."""
        at = moment(str(payload.get("at", "")))
        ended = min(at, workflow.now()) if at else workflow.now()
        # Cooled from the end of the attempt, as its episode is: the same rule may then try again at the same moment.
        holder, ran, failed = str(payload.get("holder", "")), payload.get("ran") is True, payload.get("failed") is True
        self.guard.release(holder, ran=ran, now=ended, failed=failed)
        if at:
            self.guard.end(holder, ended)
        self._promote()

    @workflow.signal(name=names.GUARD_CLEAR, description='End cooldowns: {"rule":"…","actor":"…","reason":"…"}')
    async def clear(self, payload: dict[str, Any]) -> None:
        """End the cooldown of one rule, or of all, and record who did."""
        rule, actor, reason = (str(payload.get(name, "")) for name in ("rule", "actor", "reason"))
        entry = {
            "type": KIND_OVERRIDE,
            "decision": "clear_cooldown",
            "guard": workflow.info().workflow_id,
            "rule": rule,
            "actor": actor,
            "channel": "signal",
            "reason": reason,
            "ts": rfc3339(workflow.now()),
        }
        idem = f"{workflow.info().workflow_id}/override/{digest(entry)[7:39]}"
        try:
            await workflow.execute_activity_method(
                Proving.append,
                LedgerAppend(idem, KIND_OVERRIDE, {"override": entry}),
                task_queue=names.TASK_QUEUE,
                **options.patient_append(),
            )
        except ActivityError as error:
            workflow.logger.error("nothing was cleared, since the ledger refused to record it: %s", error.cause)
            return
        self.guard.clear(rule)
        self._promote()

    @workflow.query(name=names.QUERY_STATUS, description="Who holds, who waits, what cools, what is spent.")
    def status(self) -> dict[str, Any]:
        """Return the guard as JSON; times are RFC 3339 UTC."""
        return {
            "id": workflow.info().workflow_id,
            "places": [
                {
                    "holder": place.claim.holder,
                    "rule": place.claim.rule,
                    "token": place.token,
                    "granted_at": rfc3339(place.granted_at),
                    "lease_until": rfc3339(place.lease_until),
                }
                for place in self.guard.places
            ],
            "waiting": [{"holder": claim.holder, "rule": claim.rule} for claim in self.guard.waiting],
            "cooling": {rule: rfc3339(until) for rule, until in self.guard.cooling.items()},
            "runs": [
                {"target": run.target, "at": rfc3339(run.at), "until": rfc3339(run.until), "failed": run.failed}
                for run in self.guard.budget.runs
            ],
        }

    @workflow.query(name=names.GUARD_WOULD, description="What a claim would get now; nothing changes.")
    def would(self, claim: Claim) -> Answer:
        """Answer as :meth:`acquire` would, for a dry run."""
        return copy.deepcopy(self.guard).acquire(claim, workflow.now())
