"""Runs targets: seeded inputs, each with limits on time and memory, each target in a process of its own."""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import NoReturn

from tests.fuzz.targets.mutating import mutated
from tests.fuzz.targets.promise import Target

CORPUS = Path(__file__).parents[1] / "corpus"
CPU_SECONDS = 5.0
"""Of the processor, not of the clock: what else the machine does must not matter."""

MORE_BYTES = 2 * 1024**3
_INPUT_LIMIT = 64 * 1024
_MOST_FINDINGS = 10


@dataclass
class Outcome:
    """What became of one target."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    findings: list[tuple[str, bytes]] = field(default_factory=list)


class TooSlowError(Exception):
    """An input took more than ``CPU_SECONDS``."""


def corpus_of(target: Target, folder: Path = CORPUS) -> list[bytes]:
    """Return the inputs that are kept for ``target``, in the order of their names."""
    return [path.read_bytes() for path in sorted((folder / target.name).glob("*"))]


def why_broken(target: Target, given: bytes) -> str:
    """Return how ``target`` breaks its promise on ``given``, or nothing."""
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        target.check(given)
    except BaseException as error:  # noqa: BLE001 - whatever gets out of a target is a finding
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/drive.py" not in frame.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return f"{type(error).__name__} at {place}: {str(error)[:300]}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ""


def shared(targets: Sequence[Target], inputs: int) -> list[int]:
    """Return how many inputs each target gets, together no fewer than ``inputs``, and at least one each."""
    whole = sum(target.share for target in targets)
    return [max(1, math.ceil(inputs * target.share / whole)) for target in targets]


def drive(target: Target, inputs: int, seed: int, until: float = float("inf")) -> Outcome:
    """Run ``target`` in a process of its own, which a crash of C code or too much memory ends alone."""
    began = time.monotonic()
    last = mmap.mmap(-1, 8 + _INPUT_LIMIT * 2)
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        _child(target, inputs, seed, until, last, writable)
    os.close(writable)
    with os.fdopen(readable, "rb") as answers:
        told = answers.read().splitlines()
    _, status = os.waitpid(child, 0)
    outcome = Outcome(target.name, seconds=time.monotonic() - began)
    for line in told:
        kind, _, rest = line.partition(b" ")
        if kind == b"inputs":
            outcome.inputs = int(rest)
        else:
            why, _, given = rest.rpartition(b" ")
            outcome.findings.append((why.decode(), bytes.fromhex(given.decode())))
    if status:
        size = int.from_bytes(last[:8], "big")
        outcome.findings.append((f"the process ended with {status}", bytes(last[8 : 8 + size])))
    return outcome


def _child(target: Target, inputs: int, seed: int, until: float, last: mmap.mmap, writable: int) -> NoReturn:
    code = 1
    try:
        _limit()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a panic of Rust prints its stack each time
        found: dict[str, bytes] = {}
        done = 0
        for given in _inputs(target, inputs, seed):
            last[:8] = len(given).to_bytes(8, "big")
            last[8 : 8 + len(given)] = given
            if why := why_broken(target, given):
                found.setdefault(why.partition(": ")[0], given)
            done += 1
            if len(found) >= _MOST_FINDINGS or time.time() > until:
                break
        lines = [f"found {why_broken(target, given) or 'not seen again'} {given.hex()}" for given in found.values()]
        text = "\n".join(line.replace("\n", " ") for line in [f"inputs {done}", *lines])
        os.write(writable, text.encode("utf-8", "replace"))
        code = 0
    except BaseException:  # noqa: BLE001 - the parent is told by the exit code; nothing of it may run here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _limit() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MORE_BYTES, used + MORE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def too_slow(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    signal.signal(signal.SIGVTALRM, too_slow)


def _inputs(target: Target, inputs: int, seed: int) -> Iterator[bytes]:
    """Yield the seeds and the corpus as they are, then what can be made of them."""
    rng = Random(f"{seed}/{target.name}")  # noqa: S311 - the same inputs for the same seed
    kept = [*target.seeds, *corpus_of(target)]
    yield from kept[:inputs]
    for _ in range(inputs - len(kept)):
        yield mutated(kept, target.words, rng)[:_INPUT_LIMIT]


def file_name(given: bytes) -> str:
    """Return the name under which the corpus keeps ``given``."""
    return hashlib.sha256(given).hexdigest()[:16]
