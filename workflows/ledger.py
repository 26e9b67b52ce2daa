"""Appending to the ledger from a workflow: at once if it answers, else visibly waiting for as long as it takes."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from lumen.contracts import LedgerAppend, Proving
from lumen.outcome import Outcome, State
from workflows import options
from workflows.live import AttemptEndedError, LiveEpisode


async def append(live: LiveEpisode, entry: LedgerAppend) -> int:
    """Append ``entry`` and return its sequence number; nothing that must be proved may go on before this returns.

    Raises:
        AttemptEndedError: the ledger refuses the entry for good (``failed``).

    """
    try:
        return await _append(live, entry)
    except ActivityError as error:
        if is_refused(error):
            raise AttemptEndedError(Outcome.FAILED, f"the ledger refused {entry.kind}: {error.cause}") from error
        raise


async def _append(live: LiveEpisode, entry: LedgerAppend) -> int:
    try:
        receipt = await workflow.execute_local_activity_method(Proving.append, entry, **options.quick_append())
    except ActivityError as error:
        if is_refused(error):
            raise
        before, reason = live.state, live.reason
        live.enter(State.WAITING_LEDGER, f"the ledger does not take {entry.kind}; waiting for it")
        receipt = await workflow.execute_activity_method(
            Proving.append, entry, summary=f"append {entry.kind}", **options.patient_append()
        )
        live.enter(before, reason)
    live.episode.proof_refs = [*live.episode.proof_refs, receipt.seq][-100:]
    return receipt.seq


def is_refused(error: ActivityError) -> bool:
    """Return whether ``error`` is the ledger's final no."""
    return isinstance(error.cause, ApplicationError) and error.cause.type == options.LEDGER_REFUSED
