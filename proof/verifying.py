"""Verification while proofd runs: what is new once a minute, everything on request, and never a stale yes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from proof.errors import BrokenChainError, UnavailableError
from proof.signing.kept import KeptCheck
from proof.store import LedgerStore, Verification

_log = logging.getLogger(__name__)
INTERVAL_SECONDS = 60.0
_MISSED = 3
"""After so many intervals without a check that held, an earlier one says nothing about now."""


class Verifier:
    """Runs checks of one store, one at a time, and remembers when the last one held."""

    def __init__(
        self,
        store: LedgerStore,
        interval: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        kept: KeptCheck | None = None,
    ) -> None:
        """Take over a store that was verified while it was opened. ``clock`` counts seconds and never goes
        back, so that setting the time of the machine neither ages an answer nor keeps it young.

        ``kept`` checks its checkpoints; without it their signatures are not looked at.
        """
        self._store = store
        self._kept = kept
        self._interval = interval
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._held_at = clock()
        self._last = time.time()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def last_verified(self) -> float:
        """When the last check that held began, in Unix time."""
        return self._last

    @property
    def ok(self) -> bool:
        """Whether the ledger takes entries, and a check of it held not long ago."""
        return self._store.failure is None and self._clock() - self._held_at < self._interval * _MISSED

    def start(self) -> None:
        """Check what is new every ``interval`` seconds from now on."""
        self._thread = threading.Thread(target=self._run, name="proof-verifier", daemon=True)
        self._thread.start()

    def verify(self, *, full: bool) -> Verification:
        """Check everything, or what is new and some of the kept checkpoints; a check that fails freezes the ledger.

        Raises ``UnavailableError`` if the database does not answer.
        """
        with self._one_at_a_time:
            began, at = self._clock(), time.time()
            result = self._store.verify(full=full)
            if result.ok and self._kept is not None:
                result = self._checked(self._kept, result, full=full)
        if result.ok:
            self._held_at, self._last = max(self._held_at, began), at
        else:
            self._store.freeze(f"verification failed: {result.reason}")
        return result

    def close(self) -> None:
        """End; a check that runs is finished first."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _checked(self, kept: KeptCheck, result: Verification, *, full: bool) -> Verification:
        try:
            if full:
                kept.all()
            else:
                kept.some()
        except BrokenChainError as error:
            return Verification(ok=False, height=result.height, first_bad_seq=error.seq, reason=str(error))
        return result

    def _run(self) -> None:
        while not self._closing.wait(self._interval):
            try:
                self.verify(full=False)
            except UnavailableError as error:  # says nothing about the ledger; if it lasts, the last yes goes stale
                _log.warning("the ledger was not verified: %s", error)
