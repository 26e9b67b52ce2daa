"""Durable appends to a ledger in this process, and the verification of what is new: no HTTP stands in between."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks.ledger_entries import IDENTITY, BareInserts, request
from benchmarks.ledger_figures import latencies_of, rate_of
from benchmarks.measure import Rate, threaded_loop, together
from benchmarks.report import Aim, Figure, at_least, at_most, ratio_at_least, ratio_at_most
from benchmarks.sizes import Size
from benchmarks.stage import folder
from proof.errors import ProofError
from proof.ledger import Ledger, Places, open_ledger
from proof.store import LedgerStore, beside, open_store
from proof.storing.draft import draft_of

BATCH, NEW = 100, 1000
IN_BATCHES = f"batches of {BATCH}"
ARMS = {"1 client": 1, "16 clients": 16, IN_BATCHES: 1}
_PATIENCE = 60.0
_NEVER = 1e9
"""Seconds until proofd's own check of what is new, which would take from whichever arm runs then; it is measured by itself."""
_P99 = (at_most(10),)
_AIMS: dict[str, dict[str, tuple[Aim, ...]]] = {
    "1 client": {"rate": (ratio_at_least(0.6),), "p99": _P99},
    "16 clients": {"p99": _P99},
    IN_BATCHES: {"rate": (at_least(10_000),)},
}
_SIGNING_AIM = (ratio_at_most(1.2),)
_VERIFY_AIM = (at_most(100),)

Rounds = dict[tuple[str, str], list[Rate]]


def measure(size: Size) -> Iterator[Figure]:
    """Measure appends a second, p50 and p99 in ms, the cost of signing, and ms for the check of 1,000 new entries."""
    with folder() as place, _signed(place / "signed.db") as signed, _unsigned(place / "unsigned.db") as unsigned:
        with BareInserts(place / "bare.db") as bare:
            rounds = _rounds(size, bare, {"signed": signed.store, "unsigned": unsigned})
        checks = [_check_new(signed) for _ in range(size.ledger_rounds)]
    yield from _appends(rounds)
    yield from _signing(rounds)
    yield Figure("ledger", f"incremental verification, {NEW} new entries", "time", "ms", checks, (), _VERIFY_AIM)


def _rounds(size: Size, bare: BareInserts, stores: dict[str, LedgerStore]) -> Rounds:
    arms: list[tuple[tuple[str, str], int, Callable[[], int]]] = [(("bare", ""), 1, bare)]
    for arm, clients in ARMS.items():
        for name, store in stores.items():
            arms.append(((name, arm), clients, partial(_append, store, BATCH if arm == IN_BATCHES else 1)))
    for _, clients, call in arms:
        threaded_loop(clients, size.ledger_seconds, call)
    rounds: Rounds = {arm_of: [] for arm_of, _, _ in arms}
    for _ in range(size.ledger_rounds):
        turns: Rounds = {arm_of: [] for arm_of in rounds}
        for _ in range(size.ledger_turns):
            for arm_of, clients, call in arms:
                turns[arm_of].append(threaded_loop(clients, size.ledger_seconds, call))
        for arm_of, took in turns.items():
            rounds[arm_of].append(together(took))
    return rounds


def _appends(rounds: Rounds) -> Iterator[Figure]:
    theirs = rounds["bare", ""]
    for arm in ARMS:
        ours, case, aims = rounds["signed", arm], f"store, {arm}", _AIMS.get(arm, {})
        yield rate_of(case, ours, theirs, aims)
        if arm != IN_BATCHES:  # where one call is a hundred appends
            yield from latencies_of(case, ours, theirs, aims)


def _signing(rounds: Rounds) -> Iterator[Figure]:
    for arm in ARMS:
        signed, unsigned = ([1e6 / one.per_second for one in rounds[name, arm]] for name in ("signed", "unsigned"))
        yield Figure("ledger", f"signed by unsigned, {arm}", "time of an append", "µs", signed, unsigned, _SIGNING_AIM)


def _append(store: LedgerStore, count: int) -> int:
    """Append ``count`` entries by one call, and return how many when every one is on the disk."""
    for answer in store.append_now([draft_of(request()) for _ in range(count)]):
        if isinstance(answer, ProofError):
            raise answer
    return count


def _check_new(ledger: Ledger) -> float:
    """Return the milliseconds of the check that proofd makes every minute, after 1,000 new entries."""
    _check(ledger)
    for _ in range(NEW // BATCH):
        _append(ledger.store, BATCH)
    ledger.notary.covering(ledger.store.head.height, _PATIENCE)
    began = time.perf_counter()
    _check(ledger)
    return (time.perf_counter() - began) * 1000


def _check(ledger: Ledger) -> None:
    found = ledger.verifier.verify(full=False)
    if not found.ok:
        raise RuntimeError(f"the ledger does not hold: {found.reason}")


@contextlib.contextmanager
def _signed(path: Path) -> Iterator[Ledger]:
    """Open a ledger as proofd has it: every commit is read back and signed, checkpoints are kept."""
    key_file, note = beside(path)
    places = Places(key_file, note, makes_key=True, verify_seconds=_NEVER)
    with contextlib.closing(open_ledger(f"sqlite:///{path}", IDENTITY, places, CollectorRegistry(), _broken)) as ledger:
        yield ledger


@contextlib.contextmanager
def _unsigned(path: Path) -> Iterator[LedgerStore]:
    """Open a ledger that nobody signs."""
    with contextlib.closing(open_store(f"sqlite:///{path}", IDENTITY, _broken)) as store:
        yield store


def _broken(error: BaseException) -> None:
    """Let the thread that writes show what failed; whoever waits gets an error too."""
    raise error
