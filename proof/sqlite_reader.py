"""Reading a ledger from SQLite: rows to stored entries, and the full check of a file. Nothing here writes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any

from proof.chain import Head, StoredEntry, StoredPart, verify_chain
from proof.errors import BrokenChainError
from proof.sqlite_schema import DAMAGE, connect_reader

_ENTRY = "SELECT seq, idem, leaf, body FROM entry"
_PART = "SELECT seq, name, salt, data FROM part"


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
    return _stored(row, db.execute(f"{_PART} WHERE seq = ? ORDER BY name", (row[0],)))


def read_entries(db: sqlite3.Connection) -> Iterator[StoredEntry]:
    """Yield all entries in the order of ``seq`` with their parts, in constant memory.

    Raises what ``DAMAGE`` lists, after the last entry that can be read.
    """
    following = 0
    try:
        for entry in _merged(db):
            following = entry.seq + 1
            yield entry
    except DAMAGE:
        # The cursor reads ahead, so its error comes early: go on one by one to the entry that cannot be read.
        while (next_entry := read_entry(db, "seq", following)) is not None:
            yield next_entry
            following += 1
        raise


def _merged(db: sqlite3.Connection) -> Iterator[StoredEntry]:
    parts = db.execute(f"{_PART} ORDER BY seq, name")
    pending = parts.fetchone()
    for row in db.execute(f"{_ENTRY} ORDER BY seq"):
        mine = []
        while pending is not None and pending[0] <= row[0]:
            if pending[0] == row[0]:
                mine.append(pending)
            pending = parts.fetchone()
        yield _stored(row, mine)


def verify_file(path: Path, log: str, known: Head | None = None) -> Head:
    """Check the whole ledger in ``path`` and return its head; ``known`` is a head that must be in it.

    Raises ``BrokenChainError`` with the first bad seq; damage to the database itself has the code ``database``.
    """
    checked = 0

    def counted(entries: Iterable[StoredEntry]) -> Iterator[StoredEntry]:
        nonlocal checked
        for checked, entry in enumerate(entries, 1):  # noqa: B007 - counts for the handler below
            yield entry

    try:
        with contextlib.closing(connect_reader(path)) as db:
            db.execute("BEGIN")  # one snapshot for all that is read below
            return _verify(db, counted(read_entries(db)), log, known)
    except DAMAGE as error:
        raise BrokenChainError(checked, "database", f"SQLite cannot read the file: {error}") from None


def _verify(db: sqlite3.Connection, entries: Iterable[StoredEntry], log: str, known: Head | None) -> Head:
    stated = read_head(db)
    anchors = {stated.height: stated.leaf}
    if known is not None and anchors.setdefault(known.height, known.leaf) != known.leaf:
        raise BrokenChainError(known.height - 1, "head", "the stated head is not the one that was committed")
    head = verify_chain(log, entries, anchors)
    if head.height != stated.height:
        raise BrokenChainError(stated.height, "head", f"the ledger states {stated.height} entries, but holds more")
    if db.execute("SELECT count(*) FROM part WHERE seq < 0 OR seq >= ?", (head.height,)).fetchone()[0]:
        raise BrokenChainError(head.height, "missing", "the entry is not there, but a part of it is")
    if head.size != stated.size:
        raise BrokenChainError(None, "head", "the stated size of the ledger is not that of its entries")
    problem = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if problem != "ok":
        raise BrokenChainError(None, "database", f"SQLite's integrity check fails: {problem.splitlines()[-1]}")
    return head


def _stored(row: tuple[Any, ...], parts: Iterable[tuple[Any, ...]]) -> StoredEntry:
    seq, idem, leaf, body = row
    found = list(parts)
    if not _has_types(row, int, str, bytes, bytes) or not all(
        _has_types(part, int, str, bytes | None, bytes | None) for part in found
    ):
        raise BrokenChainError(seq, "database", "a column holds another type than the layout says")
    return StoredEntry(seq, idem, leaf, body, tuple(StoredPart(name, salt, data) for _, name, salt, data in found))


def _has_types(row: tuple[Any, ...], *types: type | UnionType) -> bool:
    return all(isinstance(value, expected) for value, expected in zip(row, types, strict=True))
