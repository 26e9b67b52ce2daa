"""The metrics of proofd, read from the store at scrape time, so that they agree with each other and leave no old series."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proof.store import LedgerStore

APPEND_RESULTS = ("appended", "duplicate", "conflict", "refused", "unavailable")


class LedgerCollector(Collector):
    """Yields the state of one store. ``head_info`` has one series a scrape: only the present head exists here."""

    def __init__(self, store: LedgerStore) -> None:
        """Read from ``store`` whenever asked."""
        self._store = store

    def collect(self) -> Iterable[Metric]:
        """Yield ``lumen_proof_chain_ok``, ``_height``, ``_bytes`` and ``_head_info{hash}``."""
        head = self._store.head
        ok = self._store.failure is None
        yield GaugeMetricFamily("lumen_proof_chain_ok", "1 if the chain verified and nothing failed since.", value=ok)
        yield GaugeMetricFamily("lumen_proof_height", "Number of entries.", value=head.height)
        yield GaugeMetricFamily("lumen_proof_bytes", "Bytes of entries and parts; erasure takes none.", value=head.size)
        info = GaugeMetricFamily(
            "lumen_proof_head_info", "The leaf hash of the last entry, as a label.", labels=["hash"]
        )
        info.add_metric([head.leaf], 1)
        yield info


def append_counter(registry: CollectorRegistry) -> Counter:
    """Return ``lumen_ledger_appends_total{result}`` in ``registry`` with every result at 0."""
    counter = Counter("lumen_ledger_appends_total", "Append requests by result.", ["result"], registry=registry)
    for result in APPEND_RESULTS:
        counter.labels(result)
    return counter
