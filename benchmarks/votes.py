"""From the last vote to the start of the command, against a bare workflow that counts two updates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from temporalio.client import Client

from benchmarks import load
from benchmarks.http_pool import HttpPool
from benchmarks.measure import bounded, open_loop, percentile, until
from benchmarks.report import Aim, Figure, at_most
from benchmarks.sizes import Size
from benchmarks.stage import VOTED, VOTERS, Stage, clear, whole
from lumen import names
from lumen.outcome import State

RATE = 2
_DIRECT = 20
_AT_ONCE = 4
_PATIENCE = 60.0
_AIMS: dict[str, tuple[Aim, ...]] = {"p95": (at_most(400),)}

Vote = Callable[[str, str], Awaitable[None]]


def measure(size: Size) -> Iterator[Figure]:
    """Measure p50 and p95 in milliseconds of votes through the API, two a second, two votes an episode."""
    with whole() as stage:
        ours, theirs = asyncio.run(_rounds(stage, size))
    for measured, share in (("p50", 0.5), ("p95", 0.95)):
        lumen, bare = ([percentile(each, share) for each in arm] for arm in (ours, theirs))
        yield Figure("votes", f"last vote to command, {RATE}/s", measured, "ms", lumen, bare, _AIMS.get(measured, ()))


async def _rounds(stage: Stage, size: Size) -> tuple[list[list[float]], list[list[float]]]:
    client = await stage.client()
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    async with stage.api_pool() as pool:
        for _ in range(size.rounds):
            theirs.append(await _bare(stage, client, size.votes))
            await clear(client)
            ours.append(await _lumen(stage, client, pool, size.votes))
            await clear(client)
    return ours, theirs


async def _bare(stage: Stage, client: Client, count: int) -> list[float]:
    asked = load.fresh_names(count)
    for name in asked:
        await load.start_bare(client, "BareVotedWorkflow", name, stage.command(name))

    async def vote(name: str, actor: str) -> None:
        await client.get_workflow_handle(f"bare-{name}").execute_update("vote", actor)

    return await _last_votes(stage, asked, vote)


async def _lumen(stage: Stage, client: Client, pool: HttpPool, count: int) -> list[float]:
    asked = load.fresh_names(count)
    keys = await ask(client, pool, asked)

    async def vote(name: str, actor: str) -> None:
        ballot = {"decision": "approve", "actor": actor, "reason": "benchmark"}
        await pool.post(f"/alerts/{keys[name]}/votes", json.dumps(ballot).encode())

    return await _last_votes(stage, asked, vote)


async def _last_votes(stage: Stage, asked: list[str], vote: Vote) -> list[float]:
    stage.touches.prepare(asked)
    await bounded(_AT_ONCE, [partial(vote, name, VOTERS[0]) for name in asked])
    await asyncio.sleep(1)

    async def last(number: int) -> None:
        await vote(asked[number], VOTERS[1])

    due = await open_loop(RATE, len(asked), last)
    started = await stage.touches.all_touched(asked, _PATIENCE)
    return [(moment - when) * 1000 for when, moment in zip(due, started, strict=True)]


async def ask(client: Client, pool: HttpPool, instances: list[str]) -> dict[str, str]:
    """Send an alert for each instance and wait until all of their episodes ask for votes; return the key of each."""
    keys: dict[str, str] = {}
    for first in range(0, len(instances), _DIRECT):
        some = instances[first : first + _DIRECT]
        answer = await pool.post(load.WEBHOOK, load.body(VOTED, some))
        keys |= {name: one["key"] for name, one in zip(some, answer["alerts"], strict=True)}
    asking = f'{names.ATTRIBUTE_STATE}="{State.AWAITING_APPROVAL}" AND ExecutionStatus="Running"'

    async def all_ask() -> bool:
        return (await client.count_workflows(asking)).count >= len(instances)

    await until(all_ask, 10 * _PATIENCE, "every episode asks for votes", every=0.5)
    return keys
