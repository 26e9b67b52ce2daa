"""Appends to proofd over HTTP, against the same bare loop of SQLite inserts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

from benchmarks.http_pool import HttpPool
from benchmarks.ledger_entries import BareInserts, posted
from benchmarks.ledger_figures import latencies_of, rate_of
from benchmarks.measure import Rate, closed_loop, threaded_loop, together
from benchmarks.report import Figure
from benchmarks.sizes import Size
from benchmarks.stage import Stage, folder

CLIENTS = (1, 16)
_BARE = 0


def measure(size: Size) -> Iterator[Figure]:
    """Measure appends a second, p50 and p99 in ms, with clients that keep their connections."""
    with folder() as place:
        stage = Stage(place)
        try:
            stage.start_proofd()
            with BareInserts(place / "bare.db") as bare:
                rates = asyncio.run(_rounds(stage, bare, size))
        finally:
            stage.stop()
    for clients in CLIENTS:
        case = "HTTP, 1 client" if clients == 1 else f"HTTP, {clients} clients"
        yield rate_of(case, rates[clients], rates[_BARE])
        yield from latencies_of(case, rates[clients], rates[_BARE])


async def _rounds(stage: Stage, bare: BareInserts, size: Size) -> dict[int, list[Rate]]:
    rates: dict[int, list[Rate]] = {clients: [] for clients in (_BARE, *CLIENTS)}
    async with stage.ledger_pool() as pool:
        await closed_loop(max(CLIENTS), size.ledger_seconds, partial(_append, pool))
        for _ in range(size.ledger_rounds):
            turns: dict[int, list[Rate]] = {clients: [] for clients in rates}
            for _ in range(size.ledger_turns):
                turns[_BARE].append(threaded_loop(1, size.ledger_seconds, bare))
                for clients in CLIENTS:
                    turns[clients].append(await closed_loop(clients, size.ledger_seconds, partial(_append, pool)))
            for clients, took in turns.items():
                rates[clients].append(together(took))
    return rates


async def _append(pool: HttpPool) -> int:
    await pool.post("/append", posted())
    return 1
