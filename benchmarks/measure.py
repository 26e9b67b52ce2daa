"""How things are measured: percentiles, closed loops, open loops. Knows nothing of what it measures."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least ``share`` (over 0, up to 1) of all do not exceed."""
    if not values:
        raise ValueError("nothing was measured, so there is no percentile")
    if not 0 < share <= 1:
        raise ValueError(f"a share is over 0 and at most 1, not {share}")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def middle(values: Sequence[float]) -> float:
    """Return the median of the rounds."""
    return float(median(values))


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds of ours / theirs: both were measured one after the other, so they share the noise."""
    return middle(ratios(ours, theirs))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return ours / theirs of each round."""
    return [our / their for our, their in zip(ours, theirs, strict=True)]


@dataclass(frozen=True)
class Rate:
    """What a closed loop did: units a second, and the seconds of each call."""

    per_second: float
    seconds: list[float]


def together(turns: Sequence[Rate]) -> Rate:
    """Return turns of equal length as one: what slows the machine down for a moment is then in the turns of every arm."""
    return Rate(sum(one.per_second for one in turns) / len(turns), [each for one in turns for each in one.seconds])


async def closed_loop(clients: int, seconds: float, call: Callable[[], Awaitable[int]]) -> Rate:
    """Let ``clients`` call one after the other for about ``seconds``; ``call`` returns how many units it did.

    What was begun in time counts, and so does the time until it is done.
    """
    began = time.perf_counter()
    latencies: list[float] = []
    units = 0

    async def client() -> None:
        nonlocal units
        while (start := time.perf_counter()) - began < seconds:
            done = await call()
            units += done  # not in one line with the await: others add meanwhile
            latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(client() for _ in range(clients)))
    return Rate(units / (time.perf_counter() - began), latencies)


def threaded_loop(clients: int, seconds: float, call: Callable[[], int]) -> Rate:
    """As ``closed_loop``, with a thread for each client; a single one calls from the thread that measures."""
    began = time.perf_counter()
    latencies: list[float] = []

    def client() -> int:
        units = 0
        while (start := time.perf_counter()) - began < seconds:
            units += call()
            latencies.append(time.perf_counter() - start)
        return units

    if clients == 1:
        units = client()
    else:
        with ThreadPoolExecutor(clients) as threads:
            units = sum(one.result() for one in [threads.submit(client) for _ in range(clients)])
    return Rate(units / (time.perf_counter() - began), latencies)


async def open_loop(per_second: float, count: int, call: Callable[[int], Awaitable[None]]) -> list[float]:
    """Begin call 0, 1, … at a fixed rate, however long the ones before take; return when each was due (epoch seconds).

    A latency counts from when its call was due, so that a stall is seen by every call that it held up.
    """
    first = time.time() + 0.05
    due = [first + number / per_second for number in range(count)]
    running = []
    for number, moment in enumerate(due):
        await asyncio.sleep(max(0.0, moment - time.time()))
        running.append(asyncio.ensure_future(call(number)))
    await asyncio.gather(*running)
    return due


async def bounded(parallel: int, calls: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run all calls, at most ``parallel`` at once."""
    gate = asyncio.Semaphore(parallel)

    async def one(call: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await call()

    await asyncio.gather(*(one(call) for call in calls))


async def until(holds: Callable[[], Awaitable[bool]], seconds: float, what: str, every: float = 0.1) -> None:
    """Wait until ``holds`` says so. TimeoutError, naming ``what``, when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(every)
