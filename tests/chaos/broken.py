"""A worker with one bug: ``python -m tests.chaos.broken BUG`` is ``lumen worker``, but for one function of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime

from activities.ledger_client import LedgerClient
from cli.main import main
from lumen.budget import Budget, Spending, Spent
from lumen.messages import LedgerAppend, LedgerReceipt
from lumen.quorum import Vote, VoteBox


def _one_run_too_many() -> None:
    spent = Budget.spent

    def wrong(self: Budget, limits: Spending, target: str, now: datetime) -> Spent | None:
        return spent(self, replace(limits, max_runs=limits.max_runs + bool(limits.max_runs)), target, now)

    Budget.spent = wrong  # type: ignore[method-assign] # a bug is planted
    Budget.reserved = lambda *_: False  # type: ignore[method-assign] # likewise


def _no_claim() -> None:
    append = LedgerClient.append

    async def wrong(self: LedgerClient, entry: LedgerAppend) -> LedgerReceipt:
        if entry.kind == "action.started":
            return LedgerReceipt(0, duplicate=False)
        return await append(self, entry)

    LedgerClient.append = wrong  # type: ignore[method-assign] # a bug is planted


def _one_person_twice() -> None:
    def wrong(self: VoteBox, vote: Vote) -> bool:
        self.votes[f"{vote.actor} {vote.id}"] = vote
        return True

    VoteBox.cast = wrong  # type: ignore[method-assign] # a bug is planted


BUGS = {
    "one run too many": _one_run_too_many,
    "no claim": _no_claim,
    "one person twice": _one_person_twice,
}

if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    sys.argv.append("worker")
    main()
