"""The SQLite store: one writing connection in one thread with group commit; readers see only what is committed."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from proof.errors import BrokenChainError, ProofError, StartError, UnavailableError
from proof.files.lockfile import WriterLock, refuse_network_file_system
from proof.format.chain import Head, StoredEntry, check_entry
from proof.format.merkle import NodeId, TreeHead
from proof.sqlite.reader import (
    find_entries,
    read_checkpoints,
    read_entries,
    read_entry,
    read_head,
    read_nodes,
    verify_file,
)
from proof.sqlite.schema import DAMAGE, add_tree, connect_reader, connect_writer, has_tree
from proof.store import Commit, KeptCheckpoint, LogIdentity, Receipt, Verification
from proof.storing.appending import compose, first_receipt, seal
from proof.storing.checking import Progress
from proof.storing.draft import Draft
from proof.storing.group_commit import GroupCommit

_log = logging.getLogger(__name__)
_MAX_SEQ = 2**53 - 1
_Answer = Receipt | None
_Read = TypeVar("_Read")


class SqliteStore:
    """A ``LedgerStore`` in one SQLite file; open it with :meth:`open`."""

    def __init__(
        self,
        path: Path,
        identity: LogIdentity,
        lock: WriterLock,
        db: sqlite3.Connection,
        verified: Progress,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take over a locked, verified database; ``open`` is the way to get here."""
        self._path = path
        self._log = identity.log
        self._lock = lock
        self._db = db
        self._verified = verified
        self._head = verified.head
        self._key = verified.key
        self._grown = verified.frontier.copy()
        self._sealed = verified.frontier.copy()
        self._tree = self._sealed.head()
        self._clock = clock
        self._failure: str | None = None
        self._fatal = on_fatal
        self._listeners: list[Callable[[Commit], None]] = []
        self._reader = connect_reader(path)
        self._reader_lock = threading.Lock()
        self._back_reader = connect_reader(path)  # of the writer's thread alone, so that no reader holds it up
        self._closed = False
        self._commits: GroupCommit[Draft | KeptCheckpoint, _Answer] = GroupCommit(self._write, self._stop)

    @classmethod
    def open(
        cls,
        path: Path,
        identity: LogIdentity,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
    ) -> SqliteStore:
        """Lock, create if new, and verify the ledger in ``path``; see ``proof.store.open_store`` for the rest."""
        path = path.resolve()
        if not path.parent.is_dir():
            raise StartError(f"the folder {path.parent} of the ledger does not exist: create it, or correct PROOF_DSN")
        refuse_network_file_system(path.parent)
        try:
            with contextlib.ExitStack() as undo:
                lock = WriterLock.take(path)
                undo.callback(lock.release)
                db = undo.enter_context(contextlib.closing(connect_writer(path, identity)))
                verified = verify_file(path, identity.log)
                if not has_tree(db):
                    add_tree(db)
                store = cls(path, identity, lock, db, verified, on_fatal, clock)
                undo.pop_all()
                return store
        except BrokenChainError as error:
            raise StartError(_broken(path, error)) from None
        except (*DAMAGE, OSError) as error:
            raise StartError(f"the ledger {path} cannot be opened: {error}. Nothing was changed") from None

    @property
    def log(self) -> str:
        """The log id (64 hex digits)."""
        return self._log

    @property
    def head(self) -> Head:
        """The last committed head."""
        return self._head

    @property
    def tree(self) -> TreeHead:
        """See ``LedgerStore.tree``."""
        return self._tree

    @property
    def key(self) -> str:
        """See ``LedgerStore.key``."""
        return self._key

    @property
    def failure(self) -> str | None:
        """Why the store takes no more appends, or None."""
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

    def keep(self, checkpoint: KeptCheckpoint) -> Future[None]:
        """See ``LedgerStore.keep``."""
        return cast("Future[None]", self._submit(checkpoint))

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""
        return self._read(lambda db: read_entry(db, "seq", seq)) if 0 <= seq <= _MAX_SEQ else None

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""
        return self._read(lambda db: read_entry(db, "idem", idem))

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """See ``LedgerStore.entries``."""

        def read(db: sqlite3.Connection) -> list[StoredEntry]:
            return [entry for entry, _ in zip(read_entries(db, first), range(count), strict=False)]

        return self._read(read)

    def find(self, prefix: str, first: int, count: int) -> list[int]:
        """See ``LedgerStore.find``."""
        return self._read(lambda db: find_entries(db, prefix, first, count))

    def nodes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """See ``LedgerStore.nodes``."""
        return self._read(lambda db: read_nodes(db, nodes))

    def checkpoints(self, after: int = -1, count: int = 100) -> list[KeptCheckpoint]:
        """See ``LedgerStore.checkpoints``."""
        return self._read(lambda db: read_checkpoints(db, after, count))

    def verify(self, *, full: bool = True) -> Verification:
        """See ``LedgerStore.verify``."""
        known = self._head
        try:
            progress = verify_file(self._path, self._log, known, None if full else self._verified)
        except BrokenChainError as error:
            return Verification(ok=False, height=known.height, first_bad_seq=error.seq, reason=str(error))
        self._verified = progress
        return Verification(ok=True, height=progress.head.height)

    def freeze(self, reason: str) -> None:
        """See ``LedgerStore.freeze``."""
        if self._failure is None:
            self._failure = reason
            _log.error("the ledger is frozen: %s", reason)

    def close(self) -> None:
        """See ``LedgerStore.close``."""
        self._commits.close()
        with self._reader_lock:
            if self._closed:
                return
            self._closed = True
            self._reader.close()
        self._back_reader.close()
        self._db.close()
        self._lock.release()

    def _submit(self, item: Draft | KeptCheckpoint) -> Future[_Answer]:
        if self._failure is not None:
            raise UnavailableError(f"the ledger is frozen: {self._failure}")
        return self._commits.submit(item)

    def _read(self, read: Callable[[sqlite3.Connection], _Read]) -> _Read:
        with self._reader_lock:
            if self._closed:
                raise UnavailableError("the ledger is closed: retry later")
            try:
                return read(self._reader)
            except DAMAGE as error:
                raise BrokenChainError(None, "database", f"SQLite cannot read the file: {error}") from None

    def _stop(self, error: BaseException) -> None:
        self.freeze(f"a write failed ({type(error).__name__}: {error})")
        self._fatal(error)

    def _write(self, items: Sequence[Draft | KeptCheckpoint]) -> list[_Answer | ProofError]:
        """Commit a batch in one transaction. Any exception from here stops the process."""
        db, before = self._db, self._head
        db.execute("BEGIN IMMEDIATE")
        if read_head(db) != before:
            raise BrokenChainError(before.height, "head", "somebody else wrote to the ledger")
        answers: list[_Answer | ProofError] = []
        kinds: set[str] = set()
        head = before
        for item in items:
            answer, head = self._answer(item, head)
            answers.append(answer)
            if isinstance(item, Draft) and isinstance(answer, Receipt) and not answer.duplicate:
                kinds.add(item.kind)
        if head is not before:
            changed = db.execute(
                "UPDATE head SET height = ?, leaf = ?, size = ? WHERE height = ? AND leaf = ?",
                (head.height, head.leaf, head.size, before.height, before.leaf),
            )
            if changed.rowcount != 1:
                raise BrokenChainError(before.height, "head", "somebody else wrote to the ledger")
        db.execute("COMMIT")
        if head is not before:
            self._committed(head, frozenset(kinds))
        return answers

    def _committed(self, head: Head, kinds: frozenset[str]) -> None:
        rows = self._back_reader.execute("SELECT body FROM entry WHERE seq >= ? ORDER BY seq", (self._sealed.size,))
        tree = seal(self._sealed, [body for (body,) in rows], self._grown)
        self._head, self._tree = head, tree
        for listener in self._listeners:
            listener(Commit(head.height, kinds))

    def _answer(self, item: Draft | KeptCheckpoint, head: Head) -> tuple[_Answer | ProofError, Head]:
        """Insert one item, or answer from the entry that has its key; raises only what must stop the process."""
        if self._failure is not None:  # frozen while it was queued, or by an earlier item of this batch
            return UnavailableError(f"the ledger is frozen: {self._failure}"), head
        if isinstance(item, KeptCheckpoint):
            self._db.execute("INSERT INTO checkpoint VALUES (?, ?) ON CONFLICT DO NOTHING", (item.size, item.note))
            return None, head
        try:
            stored = read_entry(self._db, "idem", item.idem)
            if stored is not None:
                return first_receipt(check_entry(stored, self._log), stored, item), head
            return self._insert(item, head)
        except BrokenChainError as error:
            self.freeze(str(error))
            return UnavailableError(f"the ledger is frozen: {error}"), head
        except ProofError as error:
            return error, head

    def _insert(self, draft: Draft, head: Head) -> tuple[Receipt, Head]:
        new = compose(draft, head, self._log, self._key, self._clock())
        seq, stored = new.stored.seq, new.stored
        self._db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (seq, stored.idem, stored.leaf, stored.body))
        self._db.executemany(
            "INSERT INTO part VALUES (?, ?, ?, ?)", [(seq, part.name, part.salt, part.data) for part in stored.parts]
        )
        self._db.executemany(
            "INSERT INTO node VALUES (?, ?, ?)",
            [(*node, computed) for node, computed in self._grown.add(stored.leaf)],
        )
        return new.receipt, new.head


def _broken(path: Path, error: BrokenChainError) -> str:
    place = "no single entry is at fault" if error.seq is None else f"first bad seq {error.seq}"
    return (
        f"the ledger {path} does not verify: {place}: {error}. Nothing was changed and nothing will be repaired: "
        "keep a copy of the file as evidence, then restore the last good backup or start a new ledger file"
    )
