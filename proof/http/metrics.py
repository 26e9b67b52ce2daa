"""The metrics of proofd, read at scrape time, so that they agree with each other and leave no old series."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proof.ledger import Ledger

APPEND_RESULTS = ("appended", "duplicate", "conflict", "refused", "unavailable")


class LedgerCollector(Collector):
    """Yields the state of one ledger."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        """Read from ``ledger`` whenever asked; ``clock`` gives Unix time in seconds."""
        self._ledger = ledger
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        """Yield what docs/ledger.md lists. ``head_info`` has one series a scrape, and a new one with a checkpoint only."""
        head, kept = self._ledger.store.head, self._ledger.publisher.kept
        yield GaugeMetricFamily(
            "lumen_proof_chain_ok",
            "1 if the ledger takes entries and a verification held not long ago.",
            value=self._ledger.verifier.ok,
        )
        yield GaugeMetricFamily("lumen_proof_height", "Number of entries.", value=head.height)
        yield GaugeMetricFamily("lumen_proof_bytes", "Bytes of entries and parts; erasure takes none.", value=head.size)
        yield GaugeMetricFamily(
            "lumen_proof_last_verified_timestamp_seconds",
            "When the last verification that held began.",
            value=self._ledger.verifier.last_verified,
        )
        info = GaugeMetricFamily(
            "lumen_proof_head_info",
            "The leaf hash of the last entry under the checkpoint, as a label.",
            labels=["hash"],
        )
        if kept is not None and kept.leaf:
            info.add_metric([kept.leaf], 1)
        yield info
        yield from self._signed()

    def _signed(self) -> Iterable[Metric]:
        published = self._ledger.notary.published
        if published is not None:
            size = published.tree.size
            yield GaugeMetricFamily("lumen_proof_checkpoint_size", "Entries under the last checkpoint.", value=size)
            yield GaugeMetricFamily(
                "lumen_proof_checkpoint_age_seconds",
                "Time since the last checkpoint was published; none is without new entries.",
                value=max(0.0, self._clock() - published.at),
            )
        lag = GaugeMetricFamily(
            "lumen_proof_anchor_lag_entries",
            "Entries that a sink does not have under a checkpoint yet.",
            labels=["sink"],
        )
        for sink, entries in self._ledger.publisher.lags().items():
            lag.add_metric([sink], entries)
        yield lag


def build_info(registry: CollectorRegistry, version: str) -> None:
    """Put ``lumen_build_info{version}`` into ``registry``."""
    Gauge("lumen_build_info", "The version that runs.", ["version"], registry=registry).labels(version).set(1)


def append_counter(registry: CollectorRegistry) -> Counter:
    """Return ``lumen_ledger_appends_total{result}`` in ``registry`` with every result at 0."""
    counter = Counter("lumen_ledger_appends_total", "Append requests by result.", ["result"], registry=registry)
    for result in APPEND_RESULTS:
        counter.labels(result)
    return counter
