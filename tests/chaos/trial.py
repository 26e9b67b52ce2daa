"""One trial: ``python -m tests.chaos.trial SEED FOLDER`` leaves its evidence in FOLDER/evidence and prints JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.evidence import collect, fetch_vkey, watch_heads
from tests.chaos.faults import Breaker
from tests.chaos.load import World
from tests.chaos.mix import COOLDOWN
from tests.chaos.operator import keep_thawed
from tests.chaos.plan import Fault, draw
from tests.chaos.stack import ALERTMANAGERS, Stack

SETTLE_SECONDS = 60.0
_QUIET = 2.0
_RESTING = {"cooling", "watching", "closed"}


async def run(
    seed: int,
    folder: Path,
    plan: list[Fault] | None = None,
    worker: list[str] | None = None,
    only: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    """Run the trial and return its numbers; ``plan`` and ``worker`` replace faults and the argv of workers."""
    plan = draw(seed) if plan is None else plan
    started = time.monotonic()
    async with Stack(folder / "site", folder / "evidence", seed, worker) as stack:
        began = time.monotonic()
        world, breaker = World(stack, seed, only), Breaker(stack)
        await fetch_vkey(stack)
        thawing = keep_thawed(stack, lambda: breaker.put_back is not None)
        async with _beside(world.follow()), _beside(watch_heads(stack)), _beside(thawing):
            async with _beside(world.fire(began)):
                await breaker.run(plan)
                await asyncio.gather(*(stack.until_up(name) for name in stack.children))
                healed = time.monotonic()
                settled = await _settled(world)
                for name in ALERTMANAGERS:
                    await stack.end(name)
            settled = await _resting(world) and settled
        ended = time.monotonic()
        await collect(stack, world, breaker, began, ended)
        accepted = sum(one.count for one in stack.recorders.values())
    seconds = {"up": began - started, "faults": healed - began, "settling": ended - healed}
    return {
        "seed": seed,
        "faults": [str(fault) for fault in plan],
        "kinds": [fault.kind for fault in plan],
        "settled": settled,
        "alerts": len(world.episodes),
        "deliveries": accepted,
        "votes": world.ballots.sent,
        "seconds": {name: round(value, 1) for name, value in seconds.items()}
        | {"all": round(time.monotonic() - started, 1)},
    }


async def _settled(world: World) -> bool:
    """Wait until every alert has come to the end of an attempt while the Alertmanagers still repeat; return whether it did."""
    wanted = {one.key for one in world.episodes}
    gone = {one.key for one in world.episodes if one.resolved is not None}

    def done(key: str) -> bool:
        row = world.rows.get(key)
        return bool(row and row["outcome"]) if key not in gone else row is None or bool(row["outcome"])

    return await _until(lambda: all(one.fired for one in world.episodes) and all(map(done, wanted)))


async def _resting(world: World) -> bool:
    """Wait until nothing moves any more: every cooldown is over, and nobody is asked; return whether it came to that."""
    quiet = 0.0
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        states = {row["state"] for row in world.rows.values()}
        if states <= _RESTING:
            quiet = quiet or time.monotonic()
            if time.monotonic() - quiet > COOLDOWN + _QUIET:
                return True
        else:
            quiet = 0.0
        await asyncio.sleep(0.2)
    return False


async def _until(condition: Any) -> bool:
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.2)
    return False


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let ``work`` go on beside the block, and end it after that; what it raised is raised."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
            await task


def main() -> None:
    """Run one trial."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.trial")
    parser.add_argument("seed", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calm", action="store_true", help="without any fault")
    parser.add_argument("--rules", default="", help="with these rules only, separated by commas")
    parser.add_argument("--bug", default="", help="with a bug of tests.chaos.broken in the workers")
    arguments = parser.parse_args()
    plan: list[Fault] | None = [] if arguments.calm else None
    worker = [sys.executable, "-m", "tests.chaos.broken", arguments.bug] if arguments.bug else None

    async def ends_when_told() -> dict[str, Any]:
        only = set(filter(None, arguments.rules.split(",")))
        work = asyncio.ensure_future(run(arguments.seed, arguments.folder.absolute(), plan, worker, only))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        return await work

    result = asyncio.run(ends_when_told())
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
