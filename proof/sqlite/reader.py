"""Reading a ledger from SQLite: rows to stored entries, nodes and checkpoints. Nothing here writes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from proof.errors import BrokenChainError, UnavailableError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId
from proof.sqlite.schema import DAMAGE, connect_reader
from proof.store import KeptCheckpoint
from proof.storing.rows import merged, stored_entry

_ENTRY = "SELECT seq, idem, leaf, body FROM entry"
_PART = "SELECT seq, name, salt, data FROM part"
_Read = TypeVar("_Read")


def read_head(db: sqlite3.Connection) -> Head:
    """Return the head row; raises ``BrokenChainError`` if it is missing or not what a head is."""
    row = db.execute("SELECT height, leaf, size FROM head WHERE id = 1").fetchone()
    if row is None or [type(value) for value in row] != [int, str, int] or row[0] < 0:
        raise BrokenChainError(None, "head", "the row that states the head is missing or damaged")
    return Head(*row)


def read_entry(db: sqlite3.Connection, column: str, value: int | str) -> StoredEntry | None:
    """Return the entry whose ``column`` (``seq`` or ``idem``) has this value, with its parts."""
    row = db.execute(f"{_ENTRY} WHERE {column} = ?", (value,)).fetchone()
    if row is None:
        return None
    return stored_entry(row, db.execute(f"{_PART} WHERE seq = ? ORDER BY name", (row[0],)))


def read_by_idem(db: sqlite3.Connection, idems: Sequence[str]) -> list[StoredEntry]:
    """Return those entries that have one of these keys, with their parts; at most some thousand keys."""
    if not idems:
        return []
    # One statement: each gives up the interpreter, and has to win it back from whoever computes.
    rows = db.execute(f"{_ENTRY} WHERE idem IN ({','.join('?' * len(idems))})", idems).fetchall()
    return [stored_entry(row, db.execute(f"{_PART} WHERE seq = ? ORDER BY name", (row[0],))) for row in rows]


def find_entries(db: sqlite3.Connection, prefix: str, first: int, count: int) -> list[int]:
    """Return the numbers of up to ``count`` entries from ``first`` on whose idempotency key begins with ``prefix``."""
    # Keys are printable, and the last code point of Unicode is not: what begins with the prefix sorts before it.
    query = "SELECT seq FROM entry WHERE idem >= ? AND idem < ? AND seq >= ? ORDER BY seq LIMIT ?"
    return [seq for (seq,) in db.execute(query, (prefix, prefix + chr(0x10FFFF), first, count))]


def read_entries(db: sqlite3.Connection, first: int = 0) -> Iterator[StoredEntry]:
    """Yield all entries from number ``first`` on in the order of ``seq`` with their parts, in constant memory.

    Raises what ``DAMAGE`` lists, after the last entry that can be read.
    """
    following = first
    try:
        for entry in _merged(db, first):
            following = entry.seq + 1
            yield entry
    except DAMAGE:
        # The cursor reads ahead, so its error comes early: go on one by one to the entry that cannot be read.
        while (next_entry := read_entry(db, "seq", following)) is not None:
            yield next_entry
            following += 1
        raise


def _merged(db: sqlite3.Connection, first: int) -> Iterator[StoredEntry]:
    # A check from the start reads what stands before the first entry too, where nothing may be.
    where, values = ("WHERE seq >= ?", (first,)) if first else ("", ())
    parts = db.execute(f"{_PART} {where} ORDER BY seq, name", values)
    return merged(db.execute(f"{_ENTRY} {where} ORDER BY seq", values), parts)


def read_bodies(db: sqlite3.Connection, first: int, end: int) -> list[bytes]:
    """Return the bodies of the entries from number ``first`` up to before ``end``, in order and unchecked."""
    rows = db.execute("SELECT body FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq", (first, end))
    return [body for (body,) in rows]


def read_node(db: sqlite3.Connection, node: NodeId) -> bytes:
    """Return the hash of a node, the leaf hash at level 0; raises ``BrokenChainError`` if it is not there."""
    if node.level:
        row = db.execute("SELECT hash FROM node WHERE level = ? AND place = ?", node).fetchone()
    else:
        row = db.execute("SELECT leaf FROM entry WHERE seq = ?", (node.place,)).fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise BrokenChainError(None, "node", f"the node {node.place} of level {node.level} is missing or damaged")
    return row[0]


def read_checkpoints(db: sqlite3.Connection, after: int, count: int) -> list[KeptCheckpoint]:
    """Return up to ``count`` kept checkpoints over more than ``after`` entries, smallest first."""
    rows = db.execute("SELECT size, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?", (after, count))
    return [KeptCheckpoint(size, note) for size, note in rows]


def read_nodes(db: sqlite3.Connection, nodes: Sequence[NodeId]) -> list[bytes]:
    """Return the hashes of ``nodes`` in their order; raises ``BrokenChainError`` if one is not there."""
    return [read_node(db, node) for node in nodes]


class SqliteReader:
    """One connection that cannot write, shared by all threads."""

    def __init__(self, path: Path) -> None:
        """Connect to the ledger in ``path``."""
        self._db = connect_reader(path)
        self._lock = threading.Lock()
        self._closed = False

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""
        return self._read(lambda db: read_entry(db, "seq", seq))

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""
        return self._read(lambda db: read_entry(db, "idem", idem))

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """See ``LedgerStore.entries``."""
        return self._read(lambda db: list(islice(read_entries(db, first), count)))

    def bodies(self, first: int, end: int) -> list[bytes]:
        """See ``Reader.bodies``."""
        return self._read(lambda db: read_bodies(db, first, end))

    def find(self, prefix: str, first: int, count: int) -> list[int]:
        """See ``LedgerStore.find``."""
        return self._read(lambda db: find_entries(db, prefix, first, count))

    def nodes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """See ``LedgerStore.nodes``."""
        return self._read(lambda db: read_nodes(db, nodes))

    def checkpoints(self, after: int, count: int) -> list[KeptCheckpoint]:
        """See ``LedgerStore.checkpoints``."""
        return self._read(lambda db: read_checkpoints(db, after, count))

    def close(self) -> None:
        """End the connection. May be called twice."""
        with self._lock:
            self._closed = True
            self._db.close()

    def _read(self, read: Callable[[sqlite3.Connection], _Read]) -> _Read:
        with self._lock:
            if self._closed:
                raise UnavailableError("the ledger is closed: retry later")
            try:
                return read(self._db)
            except DAMAGE as error:
                raise BrokenChainError(None, "database", f"SQLite cannot read the file: {error}") from None
