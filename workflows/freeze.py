"""FreezeWorkflow: while it is open, nothing is executed anywhere. One switch, visible in the Temporal UI, that survives all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ParentClosePolicy

from lumen import names
from lumen.canonical import digest
from lumen.contracts import Proving, Routing
from lumen.messages import LedgerAppend, WakeRequest
from lumen.records import KIND_OVERRIDE, rfc3339
from workflows import options

_SOON = timedelta(seconds=1)
_LATER = timedelta(seconds=10)


@workflow.defn(name=names.WAKE_WORKFLOW)
class WakeWorkflow:
    """Wakes the blocked episodes, twice, since a list may lag behind by seconds. One that is missed looks by itself."""

    @workflow.run
    async def run(self) -> None:
        """Wait for the end of the freeze, then wake."""
        for pause in (_SOON, _LATER):
            await workflow.sleep(pause)
            await workflow.execute_activity_method(Routing.wake_blocked, WakeRequest("unfrozen"), **options.lookup())


@workflow.defn(name=names.FREEZE_WORKFLOW)
class FreezeWorkflow:
    """Open = frozen. ``unfreeze`` ends it and wakes what it blocked."""

    def __init__(self) -> None:
        """Begin frozen."""
        self.ended: dict[str, Any] | None = None

    @workflow.run
    async def run(self, start: Any = None) -> None:
        """Record the freeze, wait for its end, record that, and leave behind what wakes the blocked episodes."""
        # Everything is frozen already, so it must be possible to thaw whatever somebody typed.
        await self._record("freeze", start if isinstance(start, dict) else {})
        await workflow.wait_condition(lambda: self.ended is not None)
        await self._record("unfreeze", self.ended or {})
        # What wakes must outlive this workflow, since as long as it is open everything is frozen.
        await workflow.start_child_workflow(
            WakeWorkflow.run,
            id=f"{names.FREEZE_ID}-wake-{workflow.info().run_id}",
            parent_close_policy=ParentClosePolicy.ABANDON,
        )

    async def _record(self, decision: str, who: dict[str, Any]) -> None:
        entry = {
            "type": KIND_OVERRIDE,
            "decision": decision,
            "actor": str(who.get("actor", "")),
            "channel": "signal",
            "reason": str(who.get("reason", "")),
            "ts": rfc3339(workflow.now()),
        }
        idem = f"{names.FREEZE_ID}/{workflow.info().run_id}/{decision}/{digest(entry)[7:23]}"
        try:
            await workflow.execute_activity_method(
                Proving.append, LedgerAppend(idem, KIND_OVERRIDE, {"override": entry}), **options.patient_append()
            )
        except ActivityError as error:
            # A ledger that refuses the entry must not thaw what a human froze.
            workflow.logger.error("the ledger refused the %s: %s", decision, error.cause)

    @workflow.signal(name="unfreeze", description='{"actor":"…","reason":"…"}')
    def unfreeze(self, who: dict[str, Any]) -> None:
        """End the freeze."""
        self.ended = self.ended or who
