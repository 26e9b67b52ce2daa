"""One Lumen with ever more episodes that wait for votes: how long people wait for it, and how large its processes are."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx

from benchmarks import load
from benchmarks.http_pool import HttpPool
from benchmarks.machine import resident_mb
from benchmarks.measure import percentile, until
from benchmarks.report import Figure
from benchmarks.sizes import Size
from benchmarks.stage import VOTED, VOTERS, Stage, whole
from lumen import names
from lumen.outcome import State
from tests.stack.site import API_TOKEN

_IN_ONE_POST = 20
_LOOKS = 30
_SETTLE = 5.0
_PATIENCE = 7200.0
_BETWEEN = 0.2
_ASKING = f'{names.ATTRIBUTE_STATE}="{State.AWAITING_APPROVAL}" AND ExecutionStatus="Running"'

Call = Callable[[str], Awaitable[object]]
Point = list[tuple[str, str, float]]


def measure(size: Size) -> Iterator[Figure]:
    """Yield p50 and p95 in ms of the console's first page, of one status and of a vote, and MB of each process.

    A vote is the first of two, so that nothing runs. Statuses and votes are of episodes drawn at random.
    """
    with whole() as stage:
        stage.bare.kill()
        for count, point in asyncio.run(_points(stage, size.growing)).items():
            for measured, unit, value in point:
                yield Figure("growth", f"{count} waiting", measured, unit, [value])


async def _points(stage: Stage, counts: tuple[int, ...]) -> dict[int, Point]:
    client = await stage.client()
    luck = random.Random(1)  # noqa: S311 - which episodes are looked at, no secret
    keys: list[str] = []
    points: dict[int, Point] = {}
    async with stage.api_pool() as pool, httpx.AsyncClient(base_url=stage.api_url, trust_env=False) as browser:
        form = {"token": API_TOKEN, "name": VOTERS[0]}
        await browser.post("/sign-in", data=form, headers={"Origin": stage.api_url})
        for count in counts:
            keys += await _ask(pool, load.fresh_names(count - len(keys)))

            async def all_ask(wanted: int = count) -> bool:
                return (await client.count_workflows(_ASKING)).count >= wanted

            await until(all_ask, _PATIENCE, f"{count} episodes ask for votes", every=1)
            await asyncio.sleep(_SETTLE)
            points[count] = await _point(stage, pool, browser, luck.sample(keys, min(len(keys), _LOOKS)))
    return points


async def _ask(pool: HttpPool, instances: list[str]) -> list[str]:
    keys: list[str] = []
    for first in range(0, len(instances), _IN_ONE_POST):
        answer = await pool.post(load.WEBHOOK, load.body(VOTED, instances[first : first + _IN_ONE_POST]))
        keys += [one["key"] for one in answer["alerts"]]
    return keys


async def _point(stage: Stage, pool: HttpPool, browser: httpx.AsyncClient, some: list[str]) -> Point:
    async def look(_: str) -> None:
        page = await browser.get("/", timeout=60)
        if page.status_code != httpx.codes.OK or VOTED not in page.text:
            raise RuntimeError(f"the console answered {page.status_code}, and lists nothing that waits")

    async def status(key: str) -> None:
        await pool.get(f"/alerts/{key}")

    async def vote(key: str) -> None:
        ballot = {"decision": "approve", "actor": VOTERS[0], "reason": "benchmark"}
        await pool.post(f"/alerts/{key}/votes", json.dumps(ballot).encode())

    point: Point = []
    calls: tuple[tuple[str, Call, list[str]], ...] = (
        ("console", look, [""] * _LOOKS),
        ("status", status, some),
        ("vote", vote, some),
    )
    for measured, call, over in calls:
        taken = [await _timed(call, each) for each in over]
        point += [(f"{measured} p50", "ms", percentile(taken, 0.5)), (f"{measured} p95", "ms", percentile(taken, 0.95))]
    return point + [(f"{name} resident", "MB", resident_mb(pid)) for name, pid in stage.pids().items()]


async def _timed(call: Call, each: str) -> float:
    """Return the milliseconds of one call, and pause: caches of a moment do not count."""
    began = time.perf_counter()
    await call(each)
    taken = time.perf_counter() - began
    await asyncio.sleep(_BETWEEN)
    return taken * 1000
