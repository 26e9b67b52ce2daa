"""An empty ledger in a SQLite file, to be filled from an export."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from proof.errors import BrokenChainError, StartError
from proof.exporting.importing import EmptyLedger, Place, refuse_content
from proof.files.lockfile import WriterLock, refuse_network_file_system
from proof.format.chain import Head
from proof.sqlite.reader import read_head
from proof.sqlite.schema import DAMAGE, connect_writer
from proof.store import LogIdentity
from proof.storing.sequencer import FOREIGN_WRITE, Addition


def sqlite_place(path: Path, identity: LogIdentity, undo: ExitStack) -> Place:
    """Lock ``path`` until ``undo`` ends and see that no ledger with content is there; the file is made by the place itself."""
    path = path.resolve()
    if not path.parent.is_dir():
        raise StartError(f"the folder {path.parent} of the ledger does not exist: create it, or correct PROOF_DSN")
    refuse_network_file_system(path.parent)
    lock = WriterLock.take(path)
    undo.callback(lock.release)
    if path.exists():
        with _told(path), contextlib.closing(connect_writer(path, identity)) as db:
            (entries,) = db.execute("SELECT count(*) FROM entry").fetchone()
            (checkpoints,) = db.execute("SELECT count(*) FROM checkpoint").fetchone()
        refuse_content(str(path), entries, checkpoints)

    @contextlib.contextmanager
    def opened() -> Iterator[EmptyLedger]:
        with _told(path), contextlib.closing(connect_writer(path, identity)) as db:
            yield _SqliteLedger(db)

    return opened


def _told(path: Path) -> AbstractContextManager[None]:
    return _Told(path)


class _Told(AbstractContextManager[None]):
    """Tells what SQLite and the disk refuse in one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (*DAMAGE, OSError)):
            raise StartError(f"the ledger {self._path} cannot be written: {error}. Nothing was taken in") from None


class _SqliteLedger:
    """One transaction; what is not committed is gone when the connection is closed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def begin(self) -> Head:
        self._db.execute("BEGIN IMMEDIATE")
        return read_head(self._db)

    def write(self, addition: Addition) -> None:
        db, before, after = self._db, addition.before, addition.after
        stored = [new.stored for new in addition.entries]
        db.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?)", [(one.seq, one.idem, one.leaf, one.body) for one in stored]
        )
        parts = [(one.seq, part.name, part.salt, part.data) for one in stored for part in one.parts]
        db.executemany("INSERT INTO part VALUES (?, ?, ?, ?)", parts)
        db.executemany("INSERT INTO node VALUES (?, ?, ?)", [(*node, computed) for node, computed in addition.nodes])
        db.executemany("INSERT INTO checkpoint VALUES (?, ?)", [(one.size, one.note) for one in addition.checkpoints])
        moved = db.execute(
            "UPDATE head SET height = ?, leaf = ?, size = ? WHERE height = ? AND leaf = ?",
            (after.height, after.leaf, after.size, before.height, before.leaf),
        )
        if moved.rowcount != 1:
            raise BrokenChainError(before.height, "head", FOREIGN_WRITE)

    def commit(self) -> None:
        self._db.execute("COMMIT")
