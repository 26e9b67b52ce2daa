"""Resident memory of every process, idle and with many episodes that wait for votes, against a bare worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

from benchmarks import bare, load
from benchmarks.machine import resident_mb
from benchmarks.measure import bounded, until
from benchmarks.report import Aim, Figure, at_most
from benchmarks.sizes import Size
from benchmarks.stage import Stage, folder, whole
from benchmarks.votes import ask

_AT_ONCE = 16
_SETTLE = 3.0
_AIMS: dict[tuple[str, str], tuple[Aim, ...]] = {("waiting", "worker"): (at_most(250),)}

Memory = dict[tuple[str, str], list[float]]


def measure(size: Size) -> Iterator[Figure]:
    """Measure MB (10^6 bytes); each arm has a server of its own, since the server keeps what it has seen in memory."""
    ours: Memory = {}
    theirs: Memory = {}
    for _ in range(size.rounds):
        with folder() as place:
            stage = Stage(place)
            try:
                stage.start_temporal()
                stage.start_bare()
                asyncio.run(_bare(stage, size.waiting, theirs))
            finally:
                stage.stop()
        with whole() as stage:
            stage.bare.kill()
            asyncio.run(_lumen(stage, size.waiting, ours))
    for (state, process), found in ours.items():
        case = "idle" if state == "idle" else f"{size.waiting} waiting for votes"
        baseline = theirs.get((state, process), [])
        yield Figure("memory", case, f"{process} resident", "MB", found, baseline, _AIMS.get((state, process), ()))


async def _bare(stage: Stage, count: int, found: Memory) -> None:
    pids = {"worker": stage.bare.pid, "temporal": stage.temporal.pid}
    await _note(pids, "idle", found)
    client = await stage.client()
    names = load.fresh_names(count)
    await bounded(
        _AT_ONCE, [partial(load.start_bare, client, "BareVotedWorkflow", name, stage.command(name)) for name in names]
    )

    async def all_wait() -> bool:
        queue = f'TaskQueue="{bare.TASK_QUEUE}" AND ExecutionStatus="Running"'
        return (await client.count_workflows(queue)).count >= count

    await until(all_wait, 60, "every bare workflow is listed")
    # Only its first task, which an update waits for, tells that a workflow is in the worker's memory.
    await client.get_workflow_handle(f"bare-{names[-1]}").execute_update("vote", "alice@example.com")
    await _note(pids, "waiting", found)


async def _lumen(stage: Stage, count: int, found: Memory) -> None:
    pids = stage.pids()
    await _note(pids, "idle", found)
    client = await stage.client()
    async with stage.webhook_pool() as pool:
        await ask(client, pool, load.fresh_names(count))
    await _note(pids, "waiting", found)


async def _note(pids: dict[str, int], state: str, found: Memory) -> None:
    await asyncio.sleep(_SETTLE)
    for name, pid in pids.items():
        found.setdefault((state, name), []).append(resident_mb(pid))
