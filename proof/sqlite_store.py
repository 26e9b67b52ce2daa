"""The SQLite store: one writing connection in one thread with group commit; readers see only what is committed."""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

from proof.chain import Head, StoredEntry, check_entry, commits_to
from proof.draft import Draft
from proof.entry import SALT_BYTES, Entry, encode_entry, leaf_hash, part_commitment
from proof.errors import BrokenChainError, IdemConflictError, ProofError, StartError, UnavailableError
from proof.group_commit import GroupCommit
from proof.lockfile import WriterLock, refuse_network_file_system
from proof.sqlite_reader import read_entry, read_head, verify_file
from proof.sqlite_schema import DAMAGE, connect_reader, connect_writer
from proof.store import LogIdentity, Receipt, Verification

_log = logging.getLogger(__name__)
_MAX_SEQ = 2**53 - 1


class SqliteStore:
    """A ``LedgerStore`` in one SQLite file; open it with :meth:`open`."""

    def __init__(
        self,
        path: Path,
        identity: LogIdentity,
        lock: WriterLock,
        db: sqlite3.Connection,
        head: Head,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take over a locked, verified database; ``open`` is the way to get here."""
        self._path = path
        self._log = identity.log
        self._lock = lock
        self._db = db
        self._head = head
        self._clock = clock
        self._failure: str | None = None
        self._fatal = on_fatal
        self._reader = connect_reader(path)
        self._reader_lock = threading.Lock()
        self._closed = False
        self._commits: GroupCommit[Draft, Receipt] = GroupCommit(self._write, self._stop)

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
                store = cls(path, identity, lock, db, verify_file(path, identity.log), on_fatal, clock)
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
    def failure(self) -> str | None:
        """Why the store takes no more appends, or None."""
        return self._failure

    def append(self, draft: Draft) -> Future[Receipt]:
        """See ``LedgerStore.append``."""
        if self._failure is not None:
            raise UnavailableError(f"the ledger is frozen: {self._failure}")
        return self._commits.submit(draft)

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""
        return self._read("seq", seq) if 0 <= seq <= _MAX_SEQ else None

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""
        return self._read("idem", idem)

    def verify(self) -> Verification:
        """See ``LedgerStore.verify``."""
        known = self._head
        try:
            head = verify_file(self._path, self._log, known)
        except BrokenChainError as error:
            return Verification(ok=False, height=known.height, first_bad_seq=error.seq, reason=str(error))
        return Verification(ok=True, height=head.height)

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
        self._db.close()
        self._lock.release()

    def _read(self, column: str, value: int | str) -> StoredEntry | None:
        with self._reader_lock:
            if self._closed:
                raise UnavailableError("the ledger is closed: retry later")
            try:
                return read_entry(self._reader, column, value)
            except DAMAGE as error:
                raise BrokenChainError(None, "database", f"SQLite cannot read the file: {error}") from None

    def _stop(self, error: BaseException) -> None:
        self.freeze(f"a write failed ({type(error).__name__}: {error})")
        self._fatal(error)

    def _write(self, drafts: Sequence[Draft]) -> list[Receipt | ProofError]:
        """Commit a batch in one transaction. Any exception from here stops the process."""
        db, before = self._db, self._head
        db.execute("BEGIN IMMEDIATE")
        if read_head(db) != before:
            raise BrokenChainError(before.height, "head", "somebody else wrote to the ledger")
        answers: list[Receipt | ProofError] = []
        head = before
        for draft in drafts:
            if self._failure is not None:  # frozen while it was queued, or by an earlier draft of this batch
                answers.append(UnavailableError(f"the ledger is frozen: {self._failure}"))
                continue
            answer, head = self._answer(draft, head)
            answers.append(answer)
        if head is not before:
            changed = db.execute(
                "UPDATE head SET height = ?, leaf = ?, size = ? WHERE height = ? AND leaf = ?",
                (head.height, head.leaf, head.size, before.height, before.leaf),
            )
            if changed.rowcount != 1:
                raise BrokenChainError(before.height, "head", "somebody else wrote to the ledger")
        db.execute("COMMIT")
        self._head = head
        return answers

    def _answer(self, draft: Draft, head: Head) -> tuple[Receipt | ProofError, Head]:
        """Insert one draft, or answer from the entry that has its key; raises only what must stop the process."""
        try:
            stored = read_entry(self._db, "idem", draft.idem)
            if stored is not None:
                return _first_receipt(check_entry(stored, self._log), stored, draft), head
            return self._insert(draft, head)
        except BrokenChainError as error:
            self.freeze(str(error))
            return UnavailableError(f"the ledger is frozen: {error}"), head
        except ProofError as error:
            return error, head

    def _insert(self, draft: Draft, head: Head) -> tuple[Receipt, Head]:
        salts = {name: secrets.token_bytes(SALT_BYTES) for name in draft.parts}
        entry = Entry(
            log=self._log,
            seq=head.height,
            prev=head.leaf,
            idem=draft.idem,
            kind=draft.kind,
            at=self._clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            parts={name: part_commitment(salts[name], name, data) for name, data in draft.parts.items()},
            size=sum(len(data) for data in draft.parts.values()),
        )
        body = encode_entry(entry)
        leaf = leaf_hash(body)
        self._db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (entry.seq, entry.idem, leaf, body))
        self._db.executemany(
            "INSERT INTO part VALUES (?, ?, ?, ?)",
            [(entry.seq, name, salts[name], data) for name, data in draft.parts.items()],
        )
        after = Head(head.height + 1, leaf.hex(), head.size + len(body) + entry.size)
        return Receipt(entry.seq, after.leaf, entry.prev, after.height, duplicate=False), after


def _first_receipt(entry: Entry, stored: StoredEntry, draft: Draft) -> Receipt | IdemConflictError:
    """Return the receipt of the first append if the draft says the same, judged under the salts stored then."""
    same = entry.kind == draft.kind and entry.parts.keys() == draft.parts.keys()
    if same:
        for part in stored.parts:
            # An erased part can no longer be compared: what cannot be shown to be equal is treated as different.
            same &= part.salt is not None and commits_to(
                entry.parts[part.name], part.name, part.salt, draft.parts[part.name]
            )
    if not same:
        return IdemConflictError(
            entry.seq, f"the idempotency key belongs to entry {entry.seq}, which has another kind or other parts"
        )
    return Receipt(entry.seq, stored.leaf.hex(), entry.prev, entry.seq + 1, duplicate=True)


def _broken(path: Path, error: BrokenChainError) -> str:
    place = "no single entry is at fault" if error.seq is None else f"first bad seq {error.seq}"
    return (
        f"the ledger {path} does not verify: {place}: {error}. Nothing was changed and nothing will be repaired: "
        "keep a copy of the file as evidence, then restore the last good backup or start a new ledger file"
    )
