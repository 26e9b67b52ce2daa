"""When a comparison of ledger and Temporal counts, with a ledger during whose answers something happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from temporalio.api.workflowservice.v1 import DescribeNamespaceResponse
from temporalio.client import Client

from activities.ahead import Compared
from activities.ledger_client import LedgerClient
from lumen.errors import LedgerUnavailableError
from worker.putback import keep_compared


class Ledger:
    """An empty ledger; ``during`` is called in each comparison, with its number."""

    def __init__(self, during: Callable[[int], None]) -> None:
        self.comparisons = 0
        self._during = during

    async def height(self) -> int:
        """Answer the first question of a comparison."""
        self.comparisons += 1
        self._during(self.comparisons)
        return 0


async def _namespace(*_: Any, **__: Any) -> DescribeNamespaceResponse:
    return DescribeNamespaceResponse()


@asynccontextmanager
async def comparing(ledger: Ledger, compared: Compared, outage: asyncio.Event) -> AsyncIterator[None]:
    """Keep comparing while inside."""
    client = cast(
        "Client", SimpleNamespace(workflow_service=SimpleNamespace(describe_namespace=_namespace), namespace="x")
    )
    task = asyncio.create_task(keep_compared(client, cast("LedgerClient", ledger), compared, outage))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_temporal_was_lost_in_counts_for_nothing() -> None:
    """Temporal goes and comes in the middle of a comparison: no action starts by it, only by the one made after that."""
    outage, compared = asyncio.Event(), Compared()
    started_after = []

    def during(number: int) -> None:
        started_after.append(compared.still(compared.losses))
        if number == 1:
            outage.set()

    ledger = Ledger(during)
    async with comparing(ledger, compared, outage):
        assert await compared.within(30)
        assert ledger.comparisons == 2
        assert started_after == [False, False]


async def test_each_loss_is_compared_anew() -> None:
    """What was compared before a loss lets nothing start after it, until the next comparison."""
    outage, compared = asyncio.Event(), Compared()
    began = []

    def during(_: int) -> None:
        began.append((compared.losses, compared.still(compared.losses)))

    ledger = Ledger(during)
    async with comparing(ledger, compared, outage):
        assert await compared.within(30)
        losses = compared.losses
        outage.set()
        async with asyncio.timeout(30):
            while ledger.comparisons < 2 or not await compared.within(0):
                await asyncio.sleep(0.01)
        assert began == [(losses, False), (losses + 1, False)]
        assert not compared.still(losses)
        assert compared.still(losses + 1)


async def test_a_ledger_that_is_away_is_asked_again() -> None:
    """Nothing starts by a comparison that could not be made; it is made when the ledger answers."""
    outage, compared = asyncio.Event(), Compared()

    def during(number: int) -> None:
        if number == 1:
            raise LedgerUnavailableError("away")

    ledger = Ledger(during)
    async with comparing(ledger, compared, outage):
        assert await compared.within(30)
        assert ledger.comparisons == 2
