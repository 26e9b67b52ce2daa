"""How fast alerts are accepted durably, against signal-with-start by the SDK alone; no worker polls in either arm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from temporalio.client import Client

from benchmarks import load
from benchmarks.http_pool import HttpPool
from benchmarks.measure import closed_loop
from benchmarks.report import Figure, ratio_at_least
from benchmarks.sizes import Size
from benchmarks.stage import PLAIN, Stage, folder

CLIENTS = (1, 8, 32)
POST = 100
_AIM = (ratio_at_least(0.8),)

Call = Callable[[], Awaitable[int]]


def measure(size: Size) -> Iterator[Figure]:
    """Measure alerts a second, single posts and posts of a hundred, with several clients."""
    with folder() as place:
        stage = Stage(place)
        try:
            stage.start_temporal()
            stage.start_proofd()
            stage.start_api()
            rates = asyncio.run(_rounds(stage, size))
        finally:
            stage.stop()
    for clients in CLIENTS:
        bare = rates["bare", clients]
        for arm in ("single posts", f"posts of {POST}"):
            yield Figure("accept", f"{arm}, {clients} client(s)", "rate", "alerts/s", rates[arm, clients], bare, _AIM)


async def _rounds(stage: Stage, size: Size) -> dict[tuple[str, int], list[float]]:
    client = await stage.client()
    rates: dict[tuple[str, int], list[float]] = {}
    async with stage.webhook_pool() as pool:
        arms: dict[str, Call] = {
            "bare": partial(_bare, client),
            "single posts": partial(_post, pool, 1),
            f"posts of {POST}": partial(_post, pool, POST),
        }
        for call in arms.values():
            await closed_loop(1, 0.5, call)
        for _ in range(size.rounds):
            for clients in CLIENTS:
                for arm, call in arms.items():
                    rate = await closed_loop(clients, size.accept_seconds, call)
                    rates.setdefault((arm, clients), []).append(rate.per_second)
    return rates


async def _bare(client: Client) -> int:
    await load.signal_bare(client, load.fresh_names(1)[0])
    return 1


async def _post(pool: HttpPool, alerts: int) -> int:
    answer = await pool.post(load.WEBHOOK, load.body(PLAIN, load.fresh_names(alerts)))
    results = {one["result"] for one in answer["alerts"]}
    if not results <= {"started", "queued"}:
        raise RuntimeError(f"alerts were not taken in but {results}")
    return alerts
