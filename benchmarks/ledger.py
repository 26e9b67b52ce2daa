"""Appends to the ledger over HTTP, against a loop of SQLite inserts that are as durable (WAL, synchronous FULL)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.http_pool import HttpPool
from benchmarks.measure import Rate, closed_loop, percentile
from benchmarks.report import Figure
from benchmarks.sizes import Size
from benchmarks.stage import Stage, folder

CLIENTS = (1, 16)


def measure(size: Size) -> Iterator[Figure]:
    """Measure appends a second and p99 in milliseconds."""
    with folder() as place:
        stage = Stage(place)
        try:
            stage.start_proofd()
            rates = asyncio.run(_rounds(stage, place / "bare.db", size))
        finally:
            stage.stop()
    for clients in CLIENTS:
        case = f"appends, {clients} client(s)"
        ours, theirs = ([one.per_second for one in arm] for arm in (rates[clients], rates[0]))
        yield Figure("ledger", case, "rate", "1/s", ours, theirs)
        ours, theirs = ([percentile(one.seconds, 0.99) * 1000 for one in arm] for arm in (rates[clients], rates[0]))
        yield Figure("ledger", case, "p99", "ms", ours, theirs)


async def _rounds(stage: Stage, database: Path, size: Size) -> dict[int, list[Rate]]:
    rates: dict[int, list[Rate]] = {clients: [] for clients in (0, *CLIENTS)}
    async with stage.ledger_pool() as pool:
        await closed_loop(1, 0.5, partial(_append, pool))
        for _ in range(size.rounds):
            rates[0].append(await asyncio.to_thread(_inserts, database, size.ledger_seconds))
            for clients in CLIENTS:
                rates[clients].append(await closed_loop(clients, size.ledger_seconds, partial(_append, pool)))
    return rates


def _entry() -> bytes:
    """Return an append of the size of a claim."""
    idem = f"alert-alertmanager-{uuid.uuid4().hex[:16]}/{uuid.uuid4()}/1/touch"
    claim = {"key": idem, "nonce": uuid.uuid4().hex, "argv": ["/usr/bin/touch", "--", "x" * 100], "more": "y" * 600}
    return json.dumps({"idem": idem, "kind": "action.started", "parts": {"claim": claim}}).encode()


async def _append(pool: HttpPool) -> int:
    await pool.post("/append", _entry())
    return 1


def _inserts(database: Path, seconds: float) -> Rate:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        began, latencies = time.perf_counter(), []
        while (start := time.perf_counter()) - began < seconds:
            db.execute("INSERT INTO entry (body) VALUES (?)", (_entry(),))
            latencies.append(time.perf_counter() - start)
        return Rate(len(latencies) / (time.perf_counter() - began), latencies)
