"""The one writer of a ledger: turns a batch of drafts into entries, one transaction each, and never goes on after a failure.

    read the head under the lock -> make the entries -> write them -> move the head from where it was -> commit

What the database is like is the business of its ``Tables``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, cast

from proof.errors import BrokenChainError, ProofError, UnavailableError, told
from proof.format.chain import Head, StoredEntry, check_entry
from proof.format.kinds import PART_ERASED, erased_part
from proof.format.merkle import Frontier, NodeId
from proof.store import Commit, KeptCheckpoint, Receipt
from proof.storing.appending import NewEntry, compose, first_receipt
from proof.storing.checking import Progress
from proof.storing.draft import Draft
from proof.storing.group_commit import GroupCommit

_log = logging.getLogger(__name__)
_Answer = Receipt | None
FOREIGN_WRITE = "somebody else wrote to the ledger"


@dataclass(slots=True)
class Addition:
    """What one transaction adds to a ledger whose head is ``before``, and its head ``after``.

    ``erasures`` are entry and name of parts that it takes away, each recorded by one of ``entries``.
    """

    before: Head
    after: Head
    entries: list[NewEntry] = field(default_factory=list)
    nodes: list[tuple[NodeId, bytes]] = field(default_factory=list)
    checkpoints: list[KeptCheckpoint] = field(default_factory=list)
    erasures: list[tuple[int, str]] = field(default_factory=list)


class Tables(Protocol):
    """The writing side of one database. One thread at a time; any exception stops the process, nothing is tried again."""

    def begin(self, idems: Sequence[str]) -> tuple[Head, Mapping[str, StoredEntry]]:
        """Begin a transaction in which nobody else can write; return the head and the entries that have these keys.

        Raises ``BrokenChainError`` if they cannot be read as what they should be.
        """

    def write(self, addition: Addition) -> None:
        """Write it, and move the head on; raises ``BrokenChainError`` unless the head was where it should be."""

    def commit(self) -> None:
        """Commit durably."""

    def abandon(self) -> None:
        """Give up after a failure: let go of what others wait for. Must not raise."""

    def close(self) -> None:
        """End everything, when nothing is written any more. May be called twice."""


class Sequencer:
    """Owns the end of the chain: head, tree, key in force, and whether anything more may be added.

    What it writes is written by its own thread, or by that of a caller, one at a time (``GroupCommit``).
    """

    def __init__(
        self,
        log: str,
        verified: Progress,
        tables: Tables,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
        max_batch: int,
    ) -> None:
        """Go on from ``verified``; ``on_fatal`` is called once, by the thread that writes, and then nothing is written."""
        self._log = log
        self._tables = tables
        self._fatal = on_fatal
        self._clock = clock
        self._head = verified.head
        self._key = verified.key
        self._frontier = verified.frontier.copy()
        self._grown = verified.frontier
        self._failure: str | None = None
        self._listeners: list[Callable[[Commit], None]] = []
        self._commits: GroupCommit[Draft | KeptCheckpoint, _Answer] = GroupCommit(self._write, self._stop, max_batch)

    @property
    def head(self) -> Head:
        """See ``LedgerStore.head``."""
        return self._head

    @property
    def grown(self) -> Frontier:
        """The tree over all entries that ``head`` counts, or over more, as it grew in memory; it is never changed."""
        return self._grown

    @property
    def key(self) -> str:
        """See ``LedgerStore.key``."""
        return self._key

    @property
    def failure(self) -> str | None:
        """See ``LedgerStore.failure``."""
        return self._failure

    def use_key(self, key: str) -> None:
        """See ``LedgerStore.use_key``."""
        self._key = key

    def subscribe(self, listener: Callable[[Commit], None]) -> None:
        """See ``LedgerStore.subscribe``."""
        self._listeners.append(listener)

    def append(self, draft: Draft) -> Future[Receipt]:
        """See ``LedgerStore.append``."""
        return cast("Future[Receipt]", self._submit(draft))

    def append_now(self, drafts: Sequence[Draft]) -> list[Receipt | ProofError]:
        """See ``LedgerStore.append_now``."""
        try:
            self._check_open()
        except UnavailableError as error:
            return [error] * len(drafts)
        return cast("list[Receipt | ProofError]", self._commits.write_now(drafts))

    def keep(self, checkpoint: KeptCheckpoint) -> Future[None]:
        """See ``LedgerStore.keep``."""
        return cast("Future[None]", self._submit(checkpoint))

    def freeze(self, reason: str) -> None:
        """See ``LedgerStore.freeze``."""
        if self._failure is None:
            self._failure = reason
            _log.error("the ledger is frozen: %s", reason)

    def close(self) -> None:
        """Refuse what comes, finish what is queued. May be called twice."""
        self._commits.close()

    def _submit(self, item: Draft | KeptCheckpoint) -> Future[_Answer]:
        self._check_open()
        return self._commits.submit(item)

    def _check_open(self) -> None:
        if self._failure is not None:
            raise UnavailableError(f"the ledger is frozen: {self._failure}")

    def _stop(self, error: BaseException) -> None:
        self.freeze(f"a write failed ({told(error)})")
        self._tables.abandon()
        self._fatal(error)

    def _write(self, items: Sequence[Draft | KeptCheckpoint]) -> list[_Answer | ProofError]:
        """Commit a batch in one transaction. Any exception from here stops the process."""
        before, known = self._tables.begin([item.idem for item in items if isinstance(item, Draft)])
        if before != self._head:
            raise BrokenChainError(self._head.height, "head", FOREIGN_WRITE)
        addition = Addition(before, before)
        entries = dict(known)
        answers = [self._answer(item, addition, entries) for item in items]
        if addition.entries or addition.checkpoints:
            self._tables.write(addition)
        self._tables.commit()
        if addition.entries:
            self._committed(addition.after, _kinds(items, answers))
        return answers

    def _committed(self, head: Head, kinds: frozenset[str]) -> None:
        self._grown = self._frontier.copy()  # before the head, so that whoever sees the head has the tree over it
        self._head = head
        for listener in self._listeners:
            listener(Commit(head.height, kinds))

    def _answer(
        self, item: Draft | KeptCheckpoint, addition: Addition, entries: dict[str, StoredEntry]
    ) -> _Answer | ProofError:
        """Add one item, or answer from the entry that has its key; raises only what must stop the process."""
        if self._failure is not None:  # frozen while it was queued, or by an earlier item of this batch
            return UnavailableError(f"the ledger is frozen: {self._failure}")
        if isinstance(item, KeptCheckpoint):
            addition.checkpoints.append(item)
            return None
        try:
            stored = entries.get(item.idem)
            if stored is not None:
                return first_receipt(check_entry(stored, self._log), stored, item)
            new = compose(item, addition.after, self._log, self._key, self._clock())
        except BrokenChainError as error:
            self.freeze(str(error))
            return UnavailableError(f"the ledger is frozen: {error}")
        except ProofError as error:
            return error
        entries[item.idem] = new.stored
        addition.entries.append(new)
        addition.nodes += self._frontier.add(new.stored.leaf)
        addition.after = new.head
        if item.kind == PART_ERASED and (gone := erased_part(item.idem)) is not None:
            addition.erasures.append(gone)
        return new.receipt


def _kinds(items: Sequence[Draft | KeptCheckpoint], answers: Sequence[_Answer | ProofError]) -> frozenset[str]:
    return frozenset(
        item.kind
        for item, answer in zip(items, answers, strict=True)
        if isinstance(item, Draft) and isinstance(answer, Receipt) and not answer.duplicate
    )
