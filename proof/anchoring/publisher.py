"""Brings checkpoints to every sink: soon after what matters, otherwise in steps of time or entries; failures are retried."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter

from proof.anchoring.sink import AnchorError, ForkError, Sink
from proof.errors import ProofError
from proof.signing.notary import Notary, Published
from proof.store import Commit, KeptCheckpoint, LedgerStore

_log = logging.getLogger(__name__)
URGENT = frozenset({"auto_remediation", "key.rotated"})
"""Kinds after which a checkpoint is published at once: what happened in an episode is complete, or the key changed."""
_RETRY_SECONDS = (1.0, 60.0)
_PATIENCE = 5.0
_CLOSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Steps:
    """How far the ledger may run ahead of its anchors: ``entries``, or ``seconds`` after the first that is not anchored."""

    entries: int = 100
    seconds: float = 30.0


@dataclass(slots=True)
class _Target:
    """A sink, the size it has, and when it may be tried again (0: at once)."""

    sink: Sink
    size: int = -1
    failures: int = 0
    not_before: float = 0.0


class Publisher:
    """One thread; also keeps each checkpoint that is due in the ledger itself, so that an export has it."""

    def __init__(
        self,
        store: LedgerStore,
        notary: Notary,
        sinks: Sequence[Sink],
        registry: CollectorRegistry,
        known: Mapping[str, int] | None = None,
        steps: Steps | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Publish what ``notary`` signs to ``sinks``; nothing runs before ``start``.

        ``known`` says which size a sink has already, by its name. ``clock`` counts seconds.
        """
        self._store = store
        self._notary = notary
        self._targets = [_Target(sink, (known or {}).get(sink.name, -1)) for sink in sinks]
        self._steps = steps or Steps()
        self._clock = clock
        self._wake = threading.Condition()
        self._urgent = True  # what happened before this start may not be anchored yet
        self._due_at: float | None = None
        self._kept: Published | None = None
        self._closing = False
        self._thread: threading.Thread | None = None
        self._results = _counter(registry, [sink.name for sink in sinks])

    def start(self) -> None:
        """Begin, with what is signed already."""
        self._store.subscribe(self._on_commit)
        self._thread = threading.Thread(target=self._run, name="proof-publisher", daemon=True)
        self._thread.start()

    @property
    def kept(self) -> Published | None:
        """The checkpoint of the last step; the last signed one before the first."""
        return self._kept or self._notary.published

    def lags(self) -> dict[str, int]:
        """Return how many entries each sink is behind; one that has not been reached since the start lacks all."""
        height = self._store.head.height
        return {target.sink.name: height - max(target.size, 0) for target in self._targets}

    def close(self) -> None:
        """End, after one last try for what is not anchored yet; a sink that does not return is left after 30 s."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
            if self._thread.is_alive():
                _log.warning("the newest checkpoint may not be anchored: a sink did not return in time")

    def _on_commit(self, commit: Commit) -> None:
        with self._wake:
            kept = 0 if self._kept is None else self._kept.tree.size
            urgent = bool(commit.kinds & URGENT) or commit.height - kept >= self._steps.entries
            news = (urgent and not self._urgent) or self._due_at is None
            self._urgent |= urgent
            if self._due_at is None:
                self._due_at = self._clock() + self._steps.seconds
            if news:  # waking the thread for every commit would cost the writer more than the entry
                self._wake.notify_all()

    def _run(self) -> None:
        while not self._wait():
            self._round()
        self._round()

    def _wait(self) -> bool:
        """Wait until something is due; True when closing."""
        with self._wake:
            while not self._closing:
                now, at = self._clock(), self._next_at()
                if at is not None and at <= now:
                    return False
                self._wake.wait(None if at is None else at - now)
            return True

    def _next_at(self) -> float | None:
        """Return when there is something to do next, None if nothing is foreseen."""
        if self._urgent:
            return 0.0
        retries = [target.not_before for target in self._targets if target.failures]
        times = [at for at in (self._due_at, min(retries, default=None)) if at is not None]
        return min(times, default=None)

    def _round(self) -> None:
        now = self._clock()
        with self._wake:
            due = self._closing or self._urgent or (self._due_at is not None and self._due_at <= now)
            if due:
                self._urgent, self._due_at = False, None
        checkpoint = self._checkpoint()
        if checkpoint is None:
            return
        if due:
            self._keep(checkpoint)
        for target in self._targets:
            if target.size < checkpoint.tree.size and (due or target.failures) and target.not_before <= now:
                self._publish(target, checkpoint)

    def _checkpoint(self) -> Published | None:
        """Return the checkpoint over what is committed, or the newest there is."""
        try:
            return self._notary.covering(self._store.head.height, _PATIENCE)
        except ProofError as error:
            _log.warning("the newest entries cannot be anchored: %s", error)
        if self._store.failure is None:
            with self._wake:
                self._due_at = self._clock() + self._steps.seconds
        return self._notary.published

    def _keep(self, checkpoint: Published) -> None:
        if self._kept is not None and checkpoint.tree.size <= self._kept.tree.size:
            return
        try:
            kept: Future[None] = self._store.keep(KeptCheckpoint(checkpoint.tree.size, checkpoint.note))
            kept.result(30)
        except (ProofError, TimeoutError) as error:
            _log.warning("the checkpoint over %d entries is not kept: %s", checkpoint.tree.size, error)
            return
        self._kept = checkpoint

    def _publish(self, target: _Target, checkpoint: Published) -> None:
        name, size = target.sink.name, checkpoint.tree.size
        try:
            receipt = target.sink.publish(checkpoint)
        except AnchorError as error:
            low, high = _RETRY_SECONDS
            target.not_before = self._clock() + min(low * 2**target.failures, high)
            target.failures += 1
            self._results.labels(name, "failed").inc()
            _log.warning("the checkpoint over %d entries is not anchored (%s): %s", size, name, error)
            if isinstance(error, ForkError):
                self._store.freeze(f"the anchor {error}: two ledgers go on from one; find out which of them is true")
            return
        target.size, target.failures, target.not_before = size, 0, 0.0
        self._results.labels(name, "anchored").inc()
        _log.info("the checkpoint over %d entries is anchored (%s): %s", size, name, receipt)


def _counter(registry: CollectorRegistry, sinks: Sequence[str]) -> Counter:
    counter = Counter(
        "lumen_proof_anchors_total", "Checkpoints brought to a sink, by result.", ["sink", "result"], registry=registry
    )
    for sink in sinks:
        for result in ("anchored", "failed"):
            counter.labels(sink, result)
    return counter
