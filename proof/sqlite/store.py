"""The SQLite store: one connection that one thread at a time writes by; readers see only what is committed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from proof.errors import BrokenChainError, StartError
from proof.files.lockfile import WriterLock
from proof.sqlite.reader import SqliteReader
from proof.sqlite.schema import DAMAGE, add_tree, connect_writer, has_tree, lock_place
from proof.sqlite.tables import SqliteTables
from proof.sqlite.verification import verify_file
from proof.store import LogIdentity
from proof.storing.checking import Progress
from proof.storing.sequenced_store import SequencedStore, does_not_verify

_MAX_BATCH = 128


class SqliteStore(SequencedStore):
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
        self._lock = lock
        tables, reader = SqliteTables(db), SqliteReader(path)
        check = partial(verify_file, path, identity.log)
        super().__init__(identity.log, verified, tables, reader, check, on_fatal, clock, _MAX_BATCH)

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
        try:
            with contextlib.ExitStack() as undo:
                lock = lock_place(path)
                undo.callback(lock.release)
                db = undo.enter_context(contextlib.closing(connect_writer(path, identity)))
                verified = verify_file(path, identity.log)
                if not has_tree(db):
                    add_tree(db)
                store = cls(path, identity, lock, db, verified, on_fatal, clock)
                undo.pop_all()
                return store
        except BrokenChainError as error:
            raise StartError(does_not_verify(f"the ledger {path}", error, "a copy of the file", "file")) from None
        except (*DAMAGE, OSError) as error:
            raise StartError(f"the ledger {path} cannot be opened: {error}. Nothing was changed") from None

    def close(self) -> None:
        """See ``LedgerStore.close``."""
        super().close()
        self._lock.release()
