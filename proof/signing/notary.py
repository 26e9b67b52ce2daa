"""Signs what was committed: one thread, one checkpoint after the other, none that does not extend the one before.

    commit -> read back -> consistency with the last signed checkpoint -> sign -> compare-and-swap on the disk -> publish

A checkpoint leaves this process only after the disk has it as the last signed one. So a crash at any point leaves a ledger
that extends the last signed checkpoint, and a copy of the ledger that is older is told from the newest one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from proof.errors import BrokenChainError, InvalidProofError, UnavailableError, told
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.merkle import NodeId, TreeHead, consistency_proof, verify_consistency
from proof.signing.keyfile import KeyRing
from proof.signing.last_signed import LastSigned
from proof.store import Commit, LedgerStore

_log = logging.getLogger(__name__)
_PACE = 0.02
"""Seconds between two checkpoints while entries keep coming: putting one on the disk costs more than an append."""


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that may be shown.

    ``note`` are the bytes of the signed note, ``tree`` is what it is over, ``leaf`` the head (hex) of these entries, empty
    if the ledger does not have them, and ``at`` the Unix time at which it was published here.
    """

    note: bytes
    tree: TreeHead
    leaf: str
    at: float


def head_leaf(store: LedgerStore, size: int) -> str:
    """Return the head (hex) that the ledger had with ``size`` entries; empty if it has fewer."""
    if size > store.head.height:
        return ""
    return store.nodes([NodeId(0, size - 1)])[0].hex() if size else store.log


class Notary:
    """Publishes a checkpoint over every commit; while many come, one over several of them."""

    def __init__(
        self,
        store: LedgerStore,
        origin: str,
        ring: KeyRing,
        last: LastSigned,
        published: Published | None,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """Go on from ``published``, which is what ``last`` holds; nothing is signed before ``start``."""
        self._store = store
        self._origin = origin
        self._ring = ring
        self._last = last
        self._published = published
        self._fatal = on_fatal
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def published(self) -> Published | None:
        """The newest checkpoint that may be shown; None if a ledger that was never signed starts frozen."""
        return self._published

    @property
    def ring(self) -> KeyRing:
        """The keys that sign."""
        return self._ring

    def start(self) -> Published:
        """Sign the ledger as it is, with all keys, and from now on every commit; return the first checkpoint.

        Raises ``InvalidProofError`` or ``BrokenChainError`` if it does not extend what was published, and ``OSError``.
        """
        first = self._publish()
        self._store.subscribe(self._on_commit)
        self._thread = threading.Thread(target=self._run, name="proof-notary", daemon=True)
        self._thread.start()
        return first

    def covering(self, size: int, seconds: float) -> Published:
        """Return a published checkpoint over at least ``size`` entries, which were committed before.

        Raises ``UnavailableError`` if there is none within ``seconds``, or none will come.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._covers(size), seconds)
            if self._published is None or not self._covers(size):
                raise UnavailableError(
                    f"there is no checkpoint over {size} entries: {self._store.failure or 'retry later'}"
                )
            return self._published

    def close(self) -> None:
        """Sign what was committed, then end and give back the file. May be called twice."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._last.release()

    def _covers(self, size: int) -> bool:
        return self._published is not None and self._published.tree.size >= size

    def _on_commit(self, _commit: Commit) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while self._next():
                self._publish()
                self._closing.wait(_PACE)
        except (InvalidProofError, BrokenChainError) as error:
            self._store.freeze(f"no checkpoint can be signed: {error}")
        except BaseException as error:  # noqa: BLE001 - the edge of this thread: the disk may have anything, so the process must stop
            _log.exception("the signed checkpoint cannot be kept in %s", self._last.path)
            self._store.freeze(f"the signed checkpoint cannot be kept ({told(error)})")
            self._fatal(error)
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _next(self) -> bool:
        """Wait for something to sign; False when there is nothing more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or not self._covers(self._store.head.height))
        return self._store.failure is None and not self._covers(self._store.head.height)

    def _publish(self) -> Published:
        tree, before = self._store.seal(), self._published
        if before is not None:
            proof = consistency_proof(before.tree.size, tree.size, self._store.nodes)
            verify_consistency(before.tree, tree, proof)
        note = sign_checkpoint(Checkpoint(self._origin, tree), self._ring.keys).encode()
        after = Published(note, tree, head_leaf(self._store, tree.size), time.time())
        if before is None or before.note != note:
            self._last.swap(None if before is None else before.note, note)
        with self._changed:
            self._published = after
            self._changed.notify_all()
        return after
