"""The check of a ledger in a SQLite file: one snapshot, on a connection of its own, so that neither readers nor writer wait."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId
from proof.sqlite.reader import read_entries, read_head, read_nodes
from proof.sqlite.schema import DAMAGE, connect_reader, has_tree
from proof.store import KeptCheckpoint
from proof.storing.checking import Counted, Progress, Stored, beginning, check_start, check_stored, stated_root


def verify_file(path: Path, log: str, known: Head | None = None, start: Progress | None = None) -> Progress:
    """Check the ledger in ``path``, from ``start`` or from its beginning, and return how far it goes.

    ``known`` is a head that must be in it. Raises ``BrokenChainError`` with the first bad seq; damage to the database
    itself has the code ``database``.
    """
    begin = start or beginning(log)
    counted = Counted(begin.head.height)
    try:
        with contextlib.closing(connect_reader(path)) as db:
            db.execute("BEGIN")  # one snapshot for all that is read below
            entries = counted.over(read_entries(db, begin.head.height))
            progress = check_stored(_stated(db, entries, log, known, begin), begin)
            if start is None:
                _check_rest(db, progress.head)
            elif not has_tree(db):
                raise BrokenChainError(None, "node", "the ledger no longer says that it keeps a tree")
            else:
                check_start(start, lambda nodes: read_nodes(db, nodes))
            return progress
    except DAMAGE as error:
        raise BrokenChainError(counted.checked, "database", f"SQLite cannot read the file: {error}") from None


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
