"""The campaign: ``python -m tests.chaos --seeds 1-200`` runs one trial a seed and lets the checker judge each."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRIAL_SECONDS = 400.0
_COUNTS = ("episodes", "accepted", "starts", "votes", "entries")
_WAYS = ("votes_by_api", "votes_by_link", "votes_by_slack")


@dataclass
class Totals:
    """What all trials came to."""

    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    bad: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, seed: int, trial: dict[str, Any], verdict: dict[str, Any]) -> None:
        """Add one trial."""
        self.faults.update(trial.get("kinds", ()))
        self.counts.update({name: verdict["counts"].get(name, 0) for name in (*_COUNTS, *_WAYS)})
        self.counts["deliveries"] += trial.get("deliveries", 0)
        self.findings.update(finding["class"] for finding in verdict["findings"])
        self.seconds += trial.get("seconds", {}).get("all", 0.0)
        if verdict["findings"]:
            self.bad.append(seed)

    def table(self, trials: int) -> str:
        """Return the table of the end."""
        rows = [("trials", trials), ("seconds a trial", round(self.seconds / max(1, trials), 1))]
        rows += [(f"fault {name}", count) for name, count in sorted(self.faults.items())]
        rows += [(name, self.counts[name]) for name in ("deliveries", *_COUNTS, *_WAYS)]
        rows += [(f"finding {name}", count) for name, count in sorted(self.findings.items())]
        rows += [("findings", self.findings.total())]
        return "\n".join(f"{name:<24}{value:>10}" for name, value in rows)


async def run_one(seed: int, folder: Path, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run one trial (with ``options``) and its checker as processes; return what the trial says of itself, and the verdict."""
    code, out = await _python("tests.chaos.trial", str(seed), str(folder), *options)
    if code:
        (folder / "trial.err").write_text(out)
        text = out.strip().splitlines()[-1:] or [f"exit code {code}"]
        broken = {"class": "harness", "key": "", "text": f"the trial itself failed: {text[0]}"}
        return {}, {"seed": seed, "counts": {}, "findings": [broken]}
    trial: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    _, out = await _python("tests.chaos.checking", str(folder / "evidence"))
    try:
        verdict: dict[str, Any] = json.loads(out[out.index("{") :])
    except ValueError:
        verdict = {"counts": {}, "findings": [{"class": "harness", "key": "", "text": f"no verdict: {out[-500:]}"}]}
    (folder / "verdict.json").write_text(json.dumps(verdict, indent=1))
    return trial, verdict


async def _python(module: str, *arguments: str) -> tuple[int, str]:
    """Run a module and return its exit code and what it printed."""
    pipe = asyncio.subprocess.PIPE
    argv = (sys.executable, "-m", module, *arguments)
    process = await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        process.terminate()
        out, _ = await process.communicate()
        return 1, f"{out.decode(errors='replace')}\nnot within {TRIAL_SECONDS:.0f} s"
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    return process.returncode or 0, out.decode(errors="replace")


def told(seed: int, trial: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Return the line of one trial, and one more for each finding."""
    counts = " ".join(f"{name} {verdict['counts'].get(name, 0)}" for name in _COUNTS)
    seconds = trial.get("seconds", {}).get("all", 0)
    line = (
        f"seed {seed}: {', '.join(trial.get('faults', ()))}; {counts}; {seconds} s; {len(verdict['findings'])} findings"
    )
    return "\n".join([line, *(f"  {one['class']} {one['key']}: {one['text']}" for one in verdict["findings"])])


async def campaign(seeds: list[int], jobs: int, keep: Path | None) -> int:
    """Run all trials, ``jobs`` at a time, and return the exit code."""
    totals, places = Totals(), asyncio.Semaphore(jobs)
    root = keep or Path(tempfile.mkdtemp(prefix="lumen-chaos-"))
    root.mkdir(parents=True, exist_ok=True)

    async def one(seed: int) -> None:
        async with places:
            folder = (root / f"seed-{seed}").absolute()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            trial, verdict = await run_one(seed, folder)
            totals.add(seed, trial, verdict)
            print(told(seed, trial, verdict), flush=True)
            if not verdict["findings"] and keep is None:
                shutil.rmtree(folder)

    await asyncio.gather(*(one(seed) for seed in seeds))
    print(totals.table(len(seeds)))
    for seed in sorted(totals.bad):
        print(f"replay with --seeds {seed}-{seed}; evidence: {root}/seed-{seed}")
    if not totals.bad and keep is None:
        root.rmdir()
    return 1 if totals.bad else 0


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", default="1-20", metavar="A-B[,C…]", help="which trials (1-20)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    parser.add_argument(
        "--keep", type=Path, default=None, metavar="DIR", help="keep the evidence of good trials too, here"
    )
    arguments = parser.parse_args()
    seeds = [seed for part in arguments.seeds.split(",") for seed in _range(part)]

    async def ends_when_told() -> int:
        work = asyncio.ensure_future(campaign(seeds, arguments.jobs, arguments.keep))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        return await work

    sys.exit(asyncio.run(ends_when_told()))


if __name__ == "__main__":
    main()
