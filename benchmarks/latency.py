"""From an alert's POST to the start of its command, in ``auto`` mode, against a bare workflow with one activity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from temporalio.client import Client

from benchmarks import load
from benchmarks.http_pool import HttpPool
from benchmarks.measure import open_loop, percentile
from benchmarks.report import Aim, Figure, at_most, ratio_at_most
from benchmarks.sizes import Size
from benchmarks.stage import GUARDED, PLAIN, Stage, clear, whole

RATES = (1, 3, 5)
_WARM_UP = 10
_PATIENCE = 60.0
_NAMES = {PLAIN: "without guard", GUARDED: "with guard"}
_AIMS: dict[tuple[str, int, str], tuple[Aim, ...]] = {
    (PLAIN, 1, "p50"): (ratio_at_most(1.5),),
    (GUARDED, 1, "p50"): (ratio_at_most(3),),
    (PLAIN, 3, "p99"): (at_most(1000),),
    (GUARDED, 3, "p99"): (at_most(1000),),
}

Send = Callable[[str], Awaitable[None]]
Samples = dict[tuple[str, int], list[list[float]]]


def measure(size: Size) -> Iterator[Figure]:
    """Measure p50 and p99 in milliseconds at fixed rates, for a rule without and one with a guard."""
    with whole() as stage:
        samples = asyncio.run(_rounds(stage, size))
    for rate in RATES:
        for rule, name in _NAMES.items():
            for measured, share in (("p50", 0.5), ("p99", 0.99)):
                ours = [percentile(each, share) for each in samples[rule, rate]]
                theirs = [percentile(each, share) for each in samples["bare", rate]]
                aims = _AIMS.get((rule, rate, measured), ())
                yield Figure("latency", f"webhook to command, {name}, {rate}/s", measured, "ms", ours, theirs, aims)


async def _rounds(stage: Stage, size: Size) -> Samples:
    client = await stage.client()
    samples: Samples = {}
    async with stage.webhook_pool() as pool:
        arms: dict[str, Send] = {
            "bare": partial(_start_bare, stage, client),
            PLAIN: partial(_post, pool, PLAIN),
            GUARDED: partial(_post, pool, GUARDED),
        }
        for send in arms.values():
            await latencies(stage, send, 5, _WARM_UP)
        for _ in range(size.rounds):
            for rate in RATES:
                for arm, send in arms.items():
                    found = await latencies(stage, send, rate, round(rate * size.latency_seconds))
                    samples.setdefault((arm, rate), []).append(found)
                    await clear(client)
    return samples


async def latencies(stage: Stage, send: Send, rate: float, count: int) -> list[float]:
    """Send ``count`` at a fixed rate; return the milliseconds from when each was due to the start of its command."""
    names = load.fresh_names(count)
    stage.touches.prepare(names)

    async def call(number: int) -> None:
        await send(names[number])

    due = await open_loop(rate, count, call)
    started = await stage.touches.all_touched(names, _PATIENCE)
    return [(moment - when) * 1000 for when, moment in zip(due, started, strict=True)]


async def _start_bare(stage: Stage, client: Client, name: str) -> None:
    await load.start_bare(client, "BareWorkflow", name, stage.command(name))


async def _post(pool: HttpPool, rule: str, name: str) -> None:
    await pool.post(load.WEBHOOK, load.body(rule, [name]))
