"""Reading a ledger from SQLite: rows to stored entries, nodes and checkpoints, and the check of a file. Nothing here writes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId, frontier_nodes
from proof.sqlite.schema import DAMAGE, connect_reader, has_tree
from proof.store import KeptCheckpoint
from proof.storing.checking import Progress, Stored, beginning, check_stored, stated_root
from proof.storing.rows import merged, stored_entry

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
    return stored_entry(row, db.execute(f"{_PART} WHERE seq = ? ORDER BY name", (row[0],)))


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


def verify_file(path: Path, log: str, known: Head | None = None, start: Progress | None = None) -> Progress:
    """Check the ledger in ``path``, from ``start`` or from its beginning, and return how far it goes.

    ``known`` is a head that must be in it. Raises ``BrokenChainError`` with the first bad seq; damage to the database
    itself has the code ``database``.
    """
    begin = start or beginning(log)
    checked = begin.head.height

    def counted(entries: Iterable[StoredEntry]) -> Iterator[StoredEntry]:
        nonlocal checked
        for entry in entries:
            checked = entry.seq + 1
            yield entry

    try:
        with contextlib.closing(connect_reader(path)) as db:
            db.execute("BEGIN")  # one snapshot for all that is read below
            progress = check_stored(_stated(db, counted(read_entries(db, begin.head.height)), log, known, begin), begin)
            if start is None:
                _check_rest(db, progress.head)
            else:
                _check_start(db, start)
            return progress
    except DAMAGE as error:
        raise BrokenChainError(checked, "database", f"SQLite cannot read the file: {error}") from None


def _stated(
    db: sqlite3.Connection, entries: Iterable[StoredEntry], log: str, known: Head | None, begin: Progress
) -> Stored:
    stated = read_head(db)
    heads = {known.height: known.leaf} if known is not None else {}
    if not has_tree(db):
        return Stored(log, stated, entries, None, {}, heads)
    (origin,) = db.execute("SELECT origin FROM head").fetchone()
    rows = db.execute("SELECT size, note FROM checkpoint WHERE size > ? OR size < 0", (begin.frontier.size - 1,))
    roots = {size: stated_root(KeptCheckpoint(size, note), origin) for size, note in rows}
    return Stored(log, stated, entries, _StoredNodes(db, begin.frontier.size), roots, heads)


def _check_rest(db: sqlite3.Connection, head: Head) -> None:
    """Look for what no entry leads to, in a file that was checked from its beginning."""
    if db.execute("SELECT count(*) FROM part WHERE seq < 0 OR seq >= ?", (head.height,)).fetchone()[0]:
        raise BrokenChainError(head.height, "missing", "the entry is not there, but a part of it is")
    wanted = head.height - head.height.bit_count()
    if has_tree(db) and db.execute("SELECT count(*) FROM node").fetchone()[0] != wanted:
        raise BrokenChainError(None, "node", "there are nodes that belong to no entries")
    problem = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if problem != "ok":
        raise BrokenChainError(None, "database", f"SQLite's integrity check fails: {problem.splitlines()[-1]}")


def _check_start(db: sqlite3.Connection, start: Progress) -> None:
    """See that the file still ends, where the check went on, as it did then."""
    size = start.frontier.size
    if size and read_node(db, NodeId(0, size - 1)).hex() != start.head.leaf:
        raise BrokenChainError(size - 1, "leaf", "the last entry that was checked before is another now")
    if not has_tree(db) or read_nodes(db, frontier_nodes(size)) != start.frontier.hashes():
        raise BrokenChainError(None, "node", f"the tree over the first {size} entries is not the one that was checked")


class _StoredNodes:
    """Returns the stored nodes in the order in which a growing tree completes them: one cursor for each level."""

    def __init__(self, db: sqlite3.Connection, size: int) -> None:
        """Begin after the nodes of the first ``size`` entries."""
        self._db = db
        self._size = size
        self._cursors: dict[int, sqlite3.Cursor] = {}

    def __call__(self, node: NodeId) -> bytes | None:
        if node.level not in self._cursors:
            query = "SELECT place, hash FROM node WHERE level = ? AND place >= ? ORDER BY place"
            self._cursors[node.level] = self._db.execute(query, (node.level, self._size >> node.level))
        row = self._cursors[node.level].fetchone()
        return row[1] if row is not None and row[0] == node.place else None


def read_nodes(db: sqlite3.Connection, nodes: Sequence[NodeId]) -> list[bytes]:
    """Return the hashes of ``nodes`` in their order; raises ``BrokenChainError`` if one is not there."""
    return [read_node(db, node) for node in nodes]
