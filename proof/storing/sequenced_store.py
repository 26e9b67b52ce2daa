"""The store of every database: one sequencer that writes, a reader that waits for nobody, and the check of what is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from proof.errors import BrokenChainError, ProofError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId, TreeHead
from proof.store import Commit, KeptCheckpoint, Receipt, Verification
from proof.storing.appending import sealed
from proof.storing.checking import Progress
from proof.storing.draft import Draft
from proof.storing.sequencer import Sequencer, Tables

_MAX_SEQ = 2**53 - 1
_READ_BACK = 500


class Reader(Protocol):
    """The reading side of one database, for any thread; its methods are those of ``LedgerStore``."""

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """See ``LedgerStore.entries``."""

    def bodies(self, first: int, end: int) -> list[bytes]:
        """Return the bodies of the entries from number ``first`` up to before ``end`` as they are stored, in order."""

    def find(self, prefix: str, first: int, count: int) -> list[int]:
        """See ``LedgerStore.find``."""

    def nodes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """See ``LedgerStore.nodes``."""

    def checkpoints(self, after: int, count: int) -> list[KeptCheckpoint]:
        """See ``LedgerStore.checkpoints``."""

    def close(self) -> None:
        """End; whoever reads then gets ``UnavailableError``. May be called twice."""


Check = Callable[[Head | None, Progress | None], Progress]
"""Checks what is stored: ``known`` is a head that must be in it, ``start`` where to go on, None for the beginning.

Raises ``BrokenChainError`` with the first bad seq, and ``UnavailableError`` if the database does not answer.
"""


class SequencedStore:
    """A ``LedgerStore`` made of what its database has for it."""

    def __init__(
        self,
        log: str,
        verified: Progress,
        tables: Tables,
        reader: Reader,
        check: Check,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
        max_batch: int,
    ) -> None:
        """Take over a ledger that nobody else writes, and that was ``verified``."""
        self._log = log
        self._verified = verified
        self._writing = tables
        self._reader = reader
        self._check = check
        self._sealing = threading.Lock()
        self._sealed = verified.frontier
        self._sequencer = Sequencer(log, verified, tables, on_fatal, clock, max_batch)

    @property
    def log(self) -> str:
        """The log id (64 hex digits)."""
        return self._log

    @property
    def head(self) -> Head:
        """See ``LedgerStore.head``."""
        return self._sequencer.head

    @property
    def key(self) -> str:
        """See ``LedgerStore.key``."""
        return self._sequencer.key

    @property
    def failure(self) -> str | None:
        """See ``LedgerStore.failure``."""
        return self._sequencer.failure

    def use_key(self, key: str) -> None:
        """See ``LedgerStore.use_key``."""
        self._sequencer.use_key(key)

    def subscribe(self, listener: Callable[[Commit], None]) -> None:
        """See ``LedgerStore.subscribe``."""
        self._sequencer.subscribe(listener)

    def append(self, draft: Draft) -> Future[Receipt]:
        """See ``LedgerStore.append``."""
        return self._sequencer.append(draft)

    def append_now(self, drafts: Sequence[Draft]) -> list[Receipt | ProofError]:
        """See ``LedgerStore.append_now``."""
        return self._sequencer.append_now(drafts)

    def seal(self) -> TreeHead:
        """See ``LedgerStore.seal``."""
        with self._sealing:
            grown = self._sequencer.grown
            if grown.size > self._sealed.size:
                self._sealed = sealed(self._sealed, self._read_back(self._sealed.size, grown.size), grown)
            return self._sealed.head()

    def keep(self, checkpoint: KeptCheckpoint) -> Future[None]:
        """See ``LedgerStore.keep``."""
        return self._sequencer.keep(checkpoint)

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""
        return self._reader.entry(seq) if 0 <= seq <= _MAX_SEQ else None

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""
        return self._reader.entry_by_idem(idem)

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """See ``LedgerStore.entries``."""
        return self._reader.entries(first, count)

    def find(self, prefix: str, first: int, count: int) -> list[int]:
        """See ``LedgerStore.find``."""
        return self._reader.find(prefix, first, count)

    def nodes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """See ``LedgerStore.nodes``."""
        return self._reader.nodes(nodes)

    def checkpoints(self, after: int = -1, count: int = 100) -> list[KeptCheckpoint]:
        """See ``LedgerStore.checkpoints``."""
        return self._reader.checkpoints(after, count)

    def verify(self, *, full: bool = True) -> Verification:
        """See ``LedgerStore.verify``."""
        known = self.head
        try:
            progress = self._check(known, None if full else self._verified)
        except BrokenChainError as error:
            return Verification(ok=False, height=known.height, first_bad_seq=error.seq, reason=str(error))
        self._verified = progress
        return Verification(ok=True, height=progress.head.height)

    def freeze(self, reason: str) -> None:
        """See ``LedgerStore.freeze``."""
        self._sequencer.freeze(reason)

    def close(self) -> None:
        """See ``LedgerStore.close``."""
        self._sequencer.close()
        self._reader.close()
        self._writing.close()

    def _read_back(self, first: int, end: int) -> Iterator[bytes]:
        for start in range(first, end, _READ_BACK):
            yield from self._reader.bodies(start, min(start + _READ_BACK, end))


def does_not_verify(ledger: str, error: BrokenChainError, copy: str, anew: str) -> str:
    """Return why a ledger does not start; ``copy`` and ``anew`` say of what to keep a copy, and where to begin another."""
    place = "no single entry is at fault" if error.seq is None else f"first bad seq {error.seq}"
    return (
        f"{ledger} does not verify: {place}: {error}. Nothing was changed and nothing will be repaired: "
        f"keep {copy} as evidence, then restore the last good backup or start a new ledger {anew}"
    )
