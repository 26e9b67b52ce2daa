"""FreezeWorkflow: while it is open, nothing is executed anywhere. One switch, visible in the Temporal UI, that survives all."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from lumen import names
from lumen.canonical import digest
from lumen.contracts import LedgerAppend, Proving, Routing, WakeRequest
from lumen.records import KIND_OVERRIDE, rfc3339
from workflows import options


@workflow.defn(name=names.FREEZE_WORKFLOW)
class FreezeWorkflow:
    """Open = frozen. ``unfreeze`` ends it and wakes what it blocked."""

    def __init__(self) -> None:
        """Begin frozen."""
        self.ended: dict[str, Any] | None = None

    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        """Record the freeze, wait for its end, record that, wake the blocked episodes."""
        await self._record("freeze", start)
        await workflow.wait_condition(lambda: self.ended is not None)
        await self._record("unfreeze", self.ended or {})
        try:
            await workflow.execute_activity_method(Routing.wake_blocked, WakeRequest("unfrozen"), **options.lookup())
        except ActivityError as error:
            # Blocked episodes look again by themselves; waking them only saves minutes.
            workflow.logger.warning("could not wake the blocked episodes: %s", error)

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
