"""The ledger: appends in this process and over HTTP against a loop of SQLite inserts, what signing costs, and verification."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import ledger_http, ledger_offline, ledger_store
from benchmarks.report import Figure
from benchmarks.sizes import Size


def measure(size: Size) -> Iterator[Figure]:
    """Measure the store by itself, then proofd over HTTP, then the offline verifier."""
    yield from ledger_store.measure(size)
    yield from ledger_http.measure(size)
    yield from ledger_offline.measure(size)
