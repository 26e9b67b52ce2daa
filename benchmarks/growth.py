"""What gets slower or larger with the number of episodes that wait, and with the number of entries in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import growth_ledger, growth_waiting
from benchmarks.report import Figure
from benchmarks.sizes import Size


def measure(size: Size) -> Iterator[Figure]:
    """Measure along ``size.growing`` waiting episodes, then along ``size.grown`` entries."""
    yield from growth_waiting.measure(size)
    yield from growth_ledger.measure(size)
