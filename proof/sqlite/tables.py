"""The writing side: the one connection that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry
from proof.sqlite.reader import read_by_idem, read_head
from proof.storing.sequencer import FOREIGN_WRITE, Addition


class SqliteTables:
    """``Tables`` of a sequencer. The lock of the writer must be held, and is the business of others."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Write by ``db``, which is closed by ``close``."""
        self._db = db

    def begin(self, idems: Sequence[str]) -> tuple[Head, Mapping[str, StoredEntry]]:
        """See ``Tables.begin``."""
        self._db.execute("BEGIN IMMEDIATE")
        known = read_by_idem(self._db, idems)
        return read_head(self._db), {stored.idem: stored for stored in known}

    def write(self, addition: Addition) -> None:
        """See ``Tables.write``."""
        db = self._db
        stored = [new.stored for new in addition.entries]
        for one in addition.checkpoints:
            db.execute("INSERT INTO checkpoint VALUES (?, ?) ON CONFLICT DO NOTHING", (one.size, one.note))
        if not stored:
            return
        db.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?)", [(one.seq, one.idem, one.leaf, one.body) for one in stored]
        )
        parts = [(one.seq, part.name, part.salt, part.data) for one in stored for part in one.parts]
        db.executemany("INSERT INTO part VALUES (?, ?, ?, ?)", parts)
        db.executemany("INSERT INTO node VALUES (?, ?, ?)", [(*node, computed) for node, computed in addition.nodes])
        db.executemany("UPDATE part SET salt = NULL, data = NULL WHERE seq = ? AND name = ?", addition.erasures)
        before, after = addition.before, addition.after
        moved = db.execute(
            "UPDATE head SET height = ?, leaf = ?, size = ? WHERE height = ? AND leaf = ?",
            (after.height, after.leaf, after.size, before.height, before.leaf),
        )
        if moved.rowcount != 1:
            raise BrokenChainError(before.height, "head", FOREIGN_WRITE)

    def commit(self) -> None:
        """See ``Tables.commit``."""
        self._db.execute("COMMIT")

    def abandon(self) -> None:
        """Keep the lock of SQLite too: what the disk has now is for the next start to see."""

    def close(self) -> None:
        """End the connection; a transaction that was not committed is gone. May be called twice."""
        self._db.close()
