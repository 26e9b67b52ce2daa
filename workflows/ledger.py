"""Appending to the ledger from a workflow: at once if it answers, else visibly waiting for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from lumen.contracts import Proving
from lumen.messages import LedgerAppend
from lumen.outcome import Outcome, State
from workflows import options
from workflows.live import AttemptEndedError, LiveEpisode
from workflows.quick import quick

Answer = TypeVar("Answer")


async def append(live: LiveEpisode, entry: LedgerAppend, *, shown: bool = True) -> int:
    """Append ``entry`` and return its sequence number; nothing that must be proved may go on before this returns.

    A wait for the ledger is the state of the episode only where its steps wait (``shown``), not where a handler does.

    Raises:
        AttemptEndedError: the ledger refuses the entry for good (``failed``).

    """
    try:
        return await never_given_up(live, lambda: _append(live, entry, shown=shown))
    except FailureError as error:
        if is_refused(error):
            raise AttemptEndedError(Outcome.FAILED, f"the ledger refused {entry.kind}: {reason_of(error)}") from error
        raise


async def never_given_up(live: LiveEpisode, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return what ``ask`` returns even if the workflow is cancelled meanwhile: that is noted, and it is asked again."""
    while True:
        try:
            return await ask()
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                raise
            live.cancelled_in_temporal = True


async def _append(live: LiveEpisode, entry: LedgerAppend, *, shown: bool) -> int:
    try:
        receipt = await quick(Proving.append, entry, options.quick_append(), summary=f"append {entry.kind}")
    except FailureError as error:
        if is_refused(error) or is_cancelled_exception(error):
            raise
        before, reason = live.state, live.reason
        if shown:
            live.enter(State.WAITING_LEDGER, f"the ledger does not take {entry.kind}; waiting for it")
        try:
            receipt = await workflow.execute_activity_method(
                Proving.append, entry, summary=f"append {entry.kind}", **options.patient_append()
            )
        finally:
            if shown:
                live.enter(before, reason)
    live.note_proofs((receipt.seq,))
    return receipt.seq


def is_refused(error: FailureError) -> bool:
    """Return whether ``error`` is the ledger's final no, by itself or wrapped."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return isinstance(cause, ApplicationError) and cause.type == options.LEDGER_REFUSED


def reason_of(error: FailureError) -> str:
    """Return what an activity said when it failed."""
    return str(error.cause if isinstance(error, ActivityError) and error.cause else error)
