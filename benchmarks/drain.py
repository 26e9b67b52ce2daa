"""A burst of alerts: how fast it is worked off, against as many bare workflows started at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from temporalio.client import Client

from benchmarks import load
from benchmarks.http_pool import HttpPool
from benchmarks.machine import cpu_seconds
from benchmarks.measure import bounded, until
from benchmarks.report import Aim, Figure, ratio_at_least
from benchmarks.sizes import Size
from benchmarks.stage import GUARDED, PLAIN, Stage, clear, whole

_POST = 100
_AT_ONCE = 16
_PATIENCE = 1800.0
_WARM_UP = 20
_ENTRIES = 3
"""What an episode of one action leaves in the ledger: its claim, its result, its outcome."""
_AIMS: dict[str, tuple[Aim, ...]] = {"without guard": (ratio_at_least(0.35),)}


@dataclass(frozen=True)
class Drained:
    """One burst: commands started a second, ends a second, processor milliseconds a command by process."""

    commands: float
    ends: float
    cpu: dict[str, float]


def measure(size: Size) -> Iterator[Figure]:
    """Measure commands and ends a second over the whole burst, and what each episode costs each process."""
    with whole() as stage:
        rounds = asyncio.run(_rounds(stage, size))
    bare = rounds.pop("bare")
    for arm, ours in rounds.items():
        case = f"burst of {size.burst}, {arm}"
        for measured in ("commands", "ends"):
            pairs = ([getattr(one, measured) for one in ours], [getattr(one, measured) for one in bare])
            yield Figure("drain", case, measured, "1/s", *pairs, _AIMS.get(arm, ()))
        for process in ours[0].cpu:
            costs = [one.cpu[process] for one in ours]
            theirs = [one.cpu[process] for one in bare] if process in {"worker", "temporal"} else []
            yield Figure("drain", case, f"{process} processor time an episode", "ms", costs, theirs)


async def _rounds(stage: Stage, size: Size) -> dict[str, list[Drained]]:
    client = await stage.client()
    found: dict[str, list[Drained]] = {}
    async with stage.webhook_pool() as pool, stage.ledger_pool() as ledger:
        arms = {
            "bare": partial(_bare, stage, client),
            "without guard": partial(_lumen, stage, pool, ledger, PLAIN),
            "with guard": partial(_lumen, stage, pool, ledger, GUARDED),
        }
        for arm in arms.values():
            await arm(_WARM_UP)
        for _ in range(size.rounds):
            for name, arm in arms.items():
                found.setdefault(name, []).append(await arm(size.burst))
                await clear(client)
    return found


async def _bare(stage: Stage, client: Client, count: int) -> Drained:
    names = load.fresh_names(count)
    stage.touches.prepare(names)
    processes = {"worker": stage.bare.pid, "temporal": stage.temporal.pid}
    ended = (
        f'WorkflowType="BareWorkflow" AND ExecutionStatus="Completed" AND WorkflowId STARTS_WITH "bare-{_run(names)}"'
    )

    async def all_ended() -> bool:
        return (await client.count_workflows(ended)).count >= count

    before, began = _cpu(processes), time.time()
    await bounded(
        _AT_ONCE, [partial(load.start_bare, client, "BareWorkflow", name, stage.command(name)) for name in names]
    )
    await until(all_ended, _PATIENCE, "every bare workflow has ended", every=0.2)
    return await _drained(stage, names, began, before, processes)


async def _lumen(stage: Stage, pool: HttpPool, ledger: HttpPool, rule: str, count: int) -> Drained:
    names = load.fresh_names(count)
    stage.touches.prepare(names)
    processes = stage.pids()
    wanted = await _height(ledger) + _ENTRIES * count

    async def all_ended() -> bool:
        return await _height(ledger) >= wanted

    before, began = _cpu(processes), time.time()
    for first in range(0, count, _POST):
        await pool.post(load.WEBHOOK, load.body(rule, names[first : first + _POST]))
    await until(all_ended, _PATIENCE, "every episode is past its attempt", every=0.2)
    return await _drained(stage, names, began, before, processes)


async def _drained(
    stage: Stage, names: list[str], began: float, before: dict[str, float], processes: dict[str, int]
) -> Drained:
    end = time.time()
    after = _cpu(processes)
    started = await stage.touches.all_touched(names, 1.0)
    count = len(names)
    cpu = {name: (after[name] - before[name]) * 1000 / count for name in processes}
    return Drained(count / (max(started) - began), count / (end - began), cpu)


async def _height(ledger: HttpPool) -> int:
    height: int = (await ledger.get("/head"))["height"]
    return height


def _cpu(processes: dict[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in processes.items()}


def _run(names: list[str]) -> str:
    return names[0].rpartition("-")[0]
