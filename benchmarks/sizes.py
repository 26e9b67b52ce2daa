"""How much is measured: enough for numbers to keep, or just enough to see that everything still works."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Size:
    """Counts and seconds of one run; every figure has ``rounds`` rounds of all its arms.

    Appends to the ledger have ``ledger_rounds`` instead. In each of them every arm has ``ledger_turns`` turns of
    ``ledger_seconds``, one after the other: the disk is what varies most, and it varies within a second. ``exports`` are the
    numbers of entries of what is verified offline. ``growing`` and ``grown`` are the numbers of waiting episodes and of
    entries (at least 700) along which growth is measured.
    """

    rounds: int
    accept_seconds: float
    latency_seconds: float
    votes: int
    clicks: int
    burst: int
    waiting: int
    ledger_seconds: float
    ledger_rounds: int
    ledger_turns: int
    exports: tuple[int, ...]
    growing: tuple[int, ...]
    grown: tuple[int, ...]


FULL = Size(
    rounds=3,
    accept_seconds=5,
    latency_seconds=30,
    votes=40,
    clicks=200,
    burst=1000,
    waiting=1000,
    ledger_seconds=0.2,
    ledger_rounds=15,
    ledger_turns=5,
    exports=(10_000, 100_000, 1_000_000),
    growing=(10, 100, 1000),
    grown=(1_000, 10_000, 100_000, 1_000_000),
)
QUICK = Size(
    rounds=3,
    accept_seconds=1,
    latency_seconds=4,
    votes=6,
    clicks=20,
    burst=60,
    waiting=60,
    ledger_seconds=0.1,
    ledger_rounds=5,
    ledger_turns=3,
    exports=(1_000, 10_000),
    growing=(10, 60),
    grown=(1_000, 4_000),
)
LARGE = replace(FULL, growing=(*FULL.growing, 10_000))
"""FULL with a number of waiting episodes that takes an hour to reach."""
