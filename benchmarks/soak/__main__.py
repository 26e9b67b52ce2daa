"""`python -m benchmarks.soak [--minutes M] [--rate R] [--out DIR]`: soak a whole Lumen and say whether it stays level.

Writes into DIR: `samples.jsonl` (a line each five seconds), `summary.json`, and plots. Exit code 1 when something grew that
must not, or when an answer or an outcome was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import header
from benchmarks.soak.calls import Calls
from benchmarks.soak.flow import Flow
from benchmarks.soak.pace import Pace, pace
from benchmarks.soak.plots import draw
from benchmarks.soak.sampling import Sampler
from benchmarks.soak.stage import SoakStage
from benchmarks.soak.verdict import costs, judge
from benchmarks.stage import folder
from tests.stack.receiver import Receiver

_KEPT_LOG = 2_000_000  # characters


def main() -> None:
    """Soak, write what was seen, and exit with the verdict."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=0.5, help="mean number of episodes that begin in a second")
    parser.add_argument("--out", type=Path, default=Path("var/soak"), metavar="DIR")
    parser.add_argument("--read", action="store_true", help="run nothing: judge and draw what is in DIR")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not wanted.read:
        wanted.out.mkdir(parents=True, exist_ok=True)
        with folder() as place:
            about = asyncio.run(soak(place, wanted.out, pace(wanted.minutes), wanted.rate))
        (wanted.out / "run.json").write_text(json.dumps(about, indent=1) + "\n")
    summary = conclude(wanted.out)
    sys.stdout.write(json.dumps({name: summary[name] for name in ("ok", "checks", "costs")}, indent=1) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if summary["ok"] else 1)


def conclude(out: Path) -> dict[str, Any]:
    """Judge and draw the run in the folder ``out``; return what is written to its `summary.json`."""
    run: dict[str, Any] = json.loads((out / "run.json").read_text())
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    taken = pace(run["seconds"] / 60)
    checks = judge(samples, taken, run["flow"])
    summary = {
        **run,
        "ok": all(check.ok for check in checks) and run["reconcile"]["ok"] and run["ledger_holds"],
        "checks": [check.document() for check in checks],
        "costs": costs(samples, taken),
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    draw(samples, taken, out / "soak.png")
    return summary


async def soak(place: Path, out: Path, taken: Pace, rate: float) -> dict[str, Any]:
    """Run one soak in the folder ``place``, write its samples into ``out``, and return what was sent and how it ended."""
    receiver = Receiver()
    await receiver.start()
    receiver.prometheus([{"instance": "somewhere"}])
    stage = SoakStage(place, receiver.url, taken)
    about = {**header(), "seconds": taken.seconds, "rate": rate}
    try:
        # Started in a thread, since the receiver has to answer meanwhile and starting waits.
        await asyncio.to_thread(stage.start)
        about["flow"] = await _load(stage, receiver, out, taken.seconds, rate)
        about["reconcile"] = json.loads((await asyncio.to_thread(stage.lumen, "reconcile", "--json")).stdout)
        about["ledger_holds"] = await asyncio.to_thread(stage.ledger_holds)
        for child in (stage.worker, stage.api, stage.proofd, stage.temporal):
            (out / f"{child.name}.log").write_text(child.log[-_KEPT_LOG:])
    finally:
        stage.stop()
        await receiver.stop()
    return about


async def _load(stage: SoakStage, receiver: Receiver, out: Path, seconds: float, rate: float) -> dict[str, Any]:
    calls = Calls(stage)
    flow = Flow(stage, calls, rate)
    with (out / "samples.jsonl").open("w") as file:
        sampler = Sampler(stage, await stage.client(), file)
        beside = [asyncio.ensure_future(sampler.run()), asyncio.ensure_future(_forget(receiver))]
        try:
            await flow.run(seconds)
        finally:
            for task in beside:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*beside)
            await calls.close()
    return flow.document()


async def _forget(receiver: Receiver) -> None:
    """Drop what the receiver keeps, so that the process that measures does not grow."""
    while True:
        receiver.requests.clear()
        receiver.queries.clear()
        await asyncio.sleep(10)


if __name__ == "__main__":
    main()
