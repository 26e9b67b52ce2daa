"""CommandWorkflow: one command to the control bus, proved before it is sent and after."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from lumen import names
from lumen.command import Command, CommandEnded, CommandStatus, ended_entry, requested_entry
from lumen.contracts import Commanding, Proving
from lumen.messages import LedgerAppend
from workflows import options


@workflow.defn(name=names.COMMAND_WORKFLOW)
class CommandWorkflow:
    """Entry, POST with retries, entry. Whatever ends it in the middle, the entry before it says that it was asked."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self.state = "proving"
        self.ended: CommandEnded | None = None

    @workflow.run
    async def run(self, command: Command) -> dict[str, Any]:
        """Send ``command`` and return how it ended; fails only if the ledger refuses to record it."""
        workflow_id = workflow.info().workflow_id
        # The start of the first run, so that a reset records the same.
        await self._append(requested_entry(command, workflow_id, workflow.info().workflow_start_time))
        self.state = "sending"
        self.ended = await self._send(command)
        self.state = "proving"
        await self._append(ended_entry(command, self.ended, workflow_id, workflow.now()))
        self.state = str(self.ended.status)
        return self.status()

    async def _send(self, command: Command) -> CommandEnded:
        try:
            return await workflow.execute_activity_method(
                Commanding.send_command, command, summary=command.command, **options.sending_command()
            )
        except ActivityError as error:
            # Given up after a day. A try may have reached the bus, so nobody can say that it was not carried out.
            return CommandEnded(CommandStatus.UNKNOWN, f"given up: {error.cause or error}")

    async def _append(self, entry: LedgerAppend) -> None:
        await workflow.execute_activity_method(
            Proving.append, entry, summary=f"append {entry.idem.rpartition('/')[2]}", **options.patient_append()
        )

    @workflow.query(name=names.QUERY_STATUS, description="How far it is, and how it ended.")
    def status(self) -> dict[str, Any]:
        """Return the state of the command as JSON."""
        ended = self.ended
        told = {"status": str(ended.status), "reason": ended.reason, "detail": ended.detail} if ended else None
        return {"workflow_id": workflow.info().workflow_id, "state": self.state, "ended": told}
