"""The offline verifier over exports of several sizes: a process of its own, with the standard library alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from benchmarks.ledger_entries import IDENTITY, request
from benchmarks.report import Aim, Figure, at_most, ratio_at_most
from benchmarks.sizes import Size
from benchmarks.stage import folder
from proof.exporting.writer import ExportWriter
from proof.format.chain import Head, StoredEntry
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.signing.keyfile import KeyRing, create_keys
from proof.store import utc_now
from proof.storing.appending import compose
from proof.storing.draft import draft_of

MILLION = 1_000_000
_EVERY = 1000
"""Entries between two checkpoints: up to a thousand are verified one by one, so the largest export has that many."""
_TIME_AIMS: dict[int, tuple[Aim, ...]] = {MILLION: (at_most(30),)}
_FLAT = (ratio_at_most(2),)
_TELLS_ITS_PEAK = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    sys.stderr.write(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""Runs a program and tells its own peak: what the parent is told of a child includes the parent's memory at the fork."""


@dataclass(frozen=True)
class Run:
    """What one run of the verifier took: seconds, and the most memory it had, in MB (10^6 bytes)."""

    seconds: float
    memory: float


def measure(size: Size) -> Iterator[Figure]:
    """Measure seconds and peak memory for each size of ``size.exports``; memory is compared with that of the smallest."""
    runs: dict[int, list[Run]] = {count: [] for count in size.exports}
    with folder() as place:
        ring = create_keys(place / "key", IDENTITY.origin)
        exports = write_exports(place, ring, size.exports)
        for number in range(size.rounds):
            for count, export in exports.items():
                # The largest takes as long as all others together; it varies least, so it need not be repeated.
                if number == 0 or count < MILLION:
                    runs[count].append(verify(export, str(ring.newest.verifier)))
    smallest = [run.memory for run in runs[min(runs)]]
    for count, found in runs.items():
        case = f"offline verification, {count} entries"
        yield Figure("ledger", case, "time", "s", [run.seconds for run in found], (), _TIME_AIMS.get(count, ()))
        baseline = () if count == min(runs) else smallest[: len(found)]
        aims = _FLAT if baseline else ()
        yield Figure("ledger", case, "peak memory", "MB", [run.memory for run in found], baseline, aims)


def write_exports(place: Path, ring: KeyRing, sizes: tuple[int, ...]) -> dict[int, Path]:
    """Write an export of each size, all of the same log, and return their folders."""
    exports = {count: place / f"export-{count}" for count in sizes}
    with ExitStack() as opened:
        writers = {
            count: opened.enter_context(ExportWriter(export, IDENTITY.origin, IDENTITY.log))
            for count, export in exports.items()
        }
        for stored in _chain(max(sizes), ring.newest.verifier.id):
            for count, writer in writers.items():
                if stored.seq < count:
                    writer.add(stored)
                    if writer.tree.size in {count, _EVERY * (writer.tree.size // _EVERY)}:
                        note = sign_checkpoint(Checkpoint(IDENTITY.origin, writer.tree), ring.keys)
                        writer.add_checkpoint(writer.tree.size, note.encode())
        for writer in writers.values():
            writer.finish()
    return exports


def _chain(count: int, key: str) -> Iterator[StoredEntry]:
    head = Head(0, IDENTITY.log, 0)
    for _ in range(count):
        new = compose(draft_of(request()), head, IDENTITY.log, key, utc_now())
        head = new.head
        yield new.stored


def verify(export: Path, vkey: str) -> Run:
    """Verify ``export`` as a stranger would. RuntimeError, with what the verifier said, unless it holds."""
    program = str(files("proof").joinpath("verify_lumen_proof.py"))
    # -S: the packages that are installed here cannot be imported.
    argv = [sys.executable, "-I", "-S", "-c", _TELLS_ITS_PEAK, program, str(export), "--vkey", vkey]
    began = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"the export does not hold: {(done.stdout + done.stderr)[-1000:]}")
    return Run(seconds, int(done.stderr.split()[-2]) * 1024 / 1e6)
