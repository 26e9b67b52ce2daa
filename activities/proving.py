"""The ledger as activities: appending, and finding out what became of a start whose activity was lost."""

from __future__ import annotations

import asyncio

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ledger_client import Entry, LedgerClient
from lumen.contracts import Proving
from lumen.errors import LedgerError, LedgerUnavailableError
from lumen.messages import Found, LedgerAppend, LedgerReceipt, RecoverRequest, Recovery
from lumen.records import KIND_VOID, claim_idem, finished_idem, has_begun, result_of, void_entry

_POLL = 1.0
_LEAST_WAIT = 5.0
"""Seconds to wait for a result even if it is overdue: after an outage of the ledger its worker may be about to bring it."""


class HttpProving(Proving):
    """The ledger over HTTP."""

    def __init__(self, ledger: LedgerClient) -> None:
        """Keep the client."""
        self._ledger = ledger

    @activity.defn(name="append")
    async def append(self, request: LedgerAppend) -> LedgerReceipt:
        """Append an entry; the types of the errors are what workflows decide by."""
        try:
            return await self._ledger.append(request)
        except LedgerUnavailableError as error:
            raise ApplicationError(str(error), type=error.reason) from error
        except LedgerError as error:
            raise ApplicationError(str(error), type=LedgerError.reason, non_retryable=True) from error

    @activity.defn(name="recover")
    async def recover(self, request: RecoverRequest) -> Recovery:
        """Read what became of a start: its result, a claim without one, or nothing; and void what never happened."""
        try:
            return await self._recover(request)
        except LedgerUnavailableError as error:
            raise ApplicationError(str(error), type=error.reason) from error
        except LedgerError as error:
            raise ApplicationError(str(error), type=LedgerError.reason, non_retryable=True) from error

    async def _recover(self, request: RecoverRequest) -> Recovery:
        claim = await self._claim(request)
        if claim.kind == KIND_VOID or (request.nonce and claim.parts["claim"]["nonce"] == request.nonce):
            return Recovery(Found.NOT_STARTED, proof_refs=(claim.seq,))
        if claim.parts["claim"]["plan_digest"] != request.plan_digest:
            return Recovery(Found.OTHER_PLAN, proof_refs=(claim.seq,))
        waited = 0.0
        # The start may still be running: its worker may have lost Temporal only, and will record the result.
        left = max(_LEAST_WAIT, request.wait - claim.age)
        while True:
            finished = await self._ledger.find(finished_idem(request.key, request.tried))
            if finished is not None:
                result, refs = result_of(finished.parts["result"]), (claim.seq, finished.seq)
                return (
                    Recovery(Found.RESULT, result, refs)
                    if has_begun(result)
                    else Recovery(Found.NOT_STARTED, None, refs)
                )
            if waited >= left:
                return Recovery(Found.UNKNOWN, proof_refs=(claim.seq,))
            activity.heartbeat(f"waiting for a result, {left - waited:.0f} s left")
            await asyncio.sleep(_POLL)
            waited += _POLL

    async def _claim(self, request: RecoverRequest) -> Entry:
        """Return the claim or void of this start; there is one when this returns, so nothing can start afterwards."""
        idem = claim_idem(request.key, request.tried)
        claim = await self._ledger.find(idem)
        if claim is None:
            await self._ledger.append(void_entry(request.key, request.tried, request.reason, request.run_id))
            claim = await self._ledger.find(idem)
        if claim is None:
            raise LedgerUnavailableError("the ledger does not show the entry that it took")
        return claim
