"""How much is measured: enough for numbers to keep, or just enough to see that everything still works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts and seconds of one run; every figure has ``rounds`` rounds of all its arms."""

    rounds: int
    accept_seconds: float
    latency_seconds: float
    votes: int
    burst: int
    waiting: int
    ledger_seconds: float


FULL = Size(rounds=3, accept_seconds=5, latency_seconds=30, votes=40, burst=1000, waiting=1000, ledger_seconds=5)
QUICK = Size(rounds=3, accept_seconds=1, latency_seconds=4, votes=6, burst=60, waiting=60, ledger_seconds=1)
