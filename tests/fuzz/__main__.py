"""``make fuzz``: random and hostile input for the running services and for every parser."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.targets.drive import CORPUS, drive, file_name, shared
from tests.fuzz.targets.every import TARGETS
from tests.fuzz.wire.campaign import Campaign
from tests.fuzz.wire.place import running_place


def main() -> int:
    """Run the parts that were asked for; 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="requests to each route (10000)")
    parser.add_argument("--examples", type=int, default=60, help="of these, how many schemathesis makes in a pass (60)")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs of the parsers in all (1000000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same input (1)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop a part after this time")
    parser.add_argument("--only", choices=["wire", "parsers"], default="", help="one part alone")
    given = parser.parse_args()
    found = 0
    if given.only in {"", "wire"}:
        found += wire(given.requests, given.examples, given.seed, given.minutes * 60)
    if given.only in {"", "parsers"}:
        found += parsers(given.inputs, given.seed, given.minutes * 60)
    return min(found, 1)


def parsers(inputs: int, seed: int, seconds: float) -> int:
    """Run every target and print what became of it; return the number of findings. A new one goes into the corpus."""
    until = time.time() + seconds
    done = found = 0
    for target, share in zip(TARGETS, shared(TARGETS, inputs), strict=True):
        outcome = drive(target, share, seed, until)
        done, found = done + outcome.inputs, found + len(outcome.findings)
        _say(f"{outcome.inputs:8} inputs in {outcome.seconds:6.1f} s: {target.name}, {len(outcome.findings)} findings")
        for why, given in outcome.findings:
            place = CORPUS / target.name / file_name(given)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(given)
            _say(f"FOUND {target.name}: {why}\n      {place}: {given[:300]!r}")
    _say(f"{done} inputs, {found} findings")
    return found


def wire(requests: int, examples: int, seed: int, seconds: float) -> int:
    """Send requests to every route and print what came back; return the number of findings."""
    with tempfile.TemporaryDirectory() as folder, running_place(Path(folder)) as place:
        report = Campaign(place, seed, _say).run(requests, examples, seconds)
    for status, count in sorted(report.statuses.items()):
        _say(f"{count:8} {status}")
    for label, count in report.requests.items():
        _say(f"{count:8} requests in all: {label}")
    _say(f"{sum(report.requests.values())} requests; slowest {report.slowest[0]:.2f} s: {report.slowest[1]}")
    _say(f"{report.busy} answers of 503 on a busy machine, sent again; {len(report.appended)} entries appended")
    for problem, sent in report.broken.items():
        _say(f"FOUND {problem}\n      {sent!r}")
    return len(report.broken)


def _say(line: str) -> None:
    print(f"{time.strftime('%X')} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
