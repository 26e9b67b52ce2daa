"""One ledger with ever more entries: appends, proofs, checks, and the size of its file."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks.ledger_entries import IDENTITY, request
from benchmarks.ledger_offline import verify, write_exports
from benchmarks.measure import percentile
from benchmarks.report import Figure
from benchmarks.sizes import Size
from benchmarks.stage import folder
from proof.errors import ProofError
from proof.format.merkle import consistency_proof, inclusion_proof
from proof.ledger import Ledger, Places, open_ledger
from proof.signing.keyfile import create_keys
from proof.store import beside
from proof.storing.draft import draft_of

_BATCH, _CHECKS, _LOOKS = 100, 5, 200
_PATIENCE = 60.0
_NEVER = 1e9  # seconds until the ledger checks itself

Point = list[tuple[str, str, float]]


def measure(size: Size) -> Iterator[Figure]:
    """Yield ms of an append (p50, p99) and of a proof, s of the checks, MB of the file, at each number of entries."""
    with folder() as place, contextlib.closing(_opened(place / "proof.db")) as ledger:
        for count in size.grown:
            _fill(ledger, count - _CHECKS * _BATCH - _LOOKS)
            for measured, unit, value in _point(ledger, place):
                yield Figure("growth", f"{count} entries", measured, unit, [value])
    with folder() as place:
        ring = create_keys(place / "key", IDENTITY.origin)
        for count, export in write_exports(place, ring, size.grown).items():
            run = verify(export, str(ring.newest.verifier))
            yield Figure("growth", f"{count} entries", "offline verification", "s", [run.seconds])
            yield Figure("growth", f"{count} entries", "offline peak memory", "MB", [run.memory])


def _opened(path: Path) -> Ledger:
    key_file, note = beside(path)
    places = Places(key_file, note, makes_key=True, verify_seconds=_NEVER)
    return open_ledger(f"sqlite:///{path}", IDENTITY, places, CollectorRegistry(), _broken)


def _broken(error: BaseException) -> None:
    raise error


def _fill(ledger: Ledger, height: int) -> None:
    """Append until there are ``height`` entries."""
    while (missing := height - ledger.store.head.height) > 0:
        _append(ledger, min(missing, _BATCH))


def _append(ledger: Ledger, count: int) -> None:
    for answer in ledger.store.append_now([draft_of(request()) for _ in range(count)]):
        if isinstance(answer, ProofError):
            raise answer


def _point(ledger: Ledger, place: Path) -> Point:
    ledger.notary.covering(ledger.store.head.height, _PATIENCE)
    whole = _milliseconds(partial(_check, ledger, full=True))
    checks = [_check_new(ledger) for _ in range(_CHECKS)]
    appends = [_milliseconds(partial(_append, ledger, 1)) for _ in range(_LOOKS)]
    height, nodes = ledger.store.head.height, ledger.store.nodes
    luck = random.Random(1)  # noqa: S311 - which entries are proved, no secret
    some = [luck.randrange(1, height) for _ in range(_LOOKS)]
    proofs = [_milliseconds(partial(inclusion_proof, seq, height, nodes)) for seq in some]
    steps = [_milliseconds(partial(consistency_proof, old, height, nodes)) for old in some]
    size = sum(file.stat().st_size for file in place.glob("proof.db*") if file.is_file())
    return [
        ("append p50", "ms", percentile(appends, 0.5)),
        ("append p99", "ms", percentile(appends, 0.99)),
        ("inclusion proof p50", "ms", percentile(proofs, 0.5)),
        ("consistency proof p50", "ms", percentile(steps, 0.5)),
        ("check of 100 new entries", "ms", percentile(checks, 0.5)),
        ("check of everything", "s", whole / 1000),
        ("file and its log", "MB", size / 1e6),
    ]


def _check_new(ledger: Ledger) -> float:
    _append(ledger, _BATCH)
    ledger.notary.covering(ledger.store.head.height, _PATIENCE)
    return _milliseconds(partial(_check, ledger, full=False))


def _check(ledger: Ledger, *, full: bool) -> None:
    found = ledger.verifier.verify(full=full)
    if not found.ok:
        raise RuntimeError(f"the ledger does not hold: {found.reason}")


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000
