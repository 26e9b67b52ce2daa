"""The check of a ledger in PostgreSQL: one snapshot, on a connection of its own, so that neither readers nor writer wait."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import psycopg

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId
from proof.postgres.dsn import Dsn
from proof.postgres.reader import ENTRIES_FROM, HEAD, PARTS_FROM, head_of, read_entry, read_nodes
from proof.postgres.schema import UNIQUE_KEYS
from proof.postgres.session import Connection, connect, fetch, for_everybody, is_passing, translated
from proof.store import KeptCheckpoint
from proof.storing.checking import Counted, Progress, Stored, beginning, check_start, check_stored, stated_root
from proof.storing.rows import Row, merged

_FETCH = 500
_UNIQUE = """
SELECT t.relname, pg_catalog.array_to_string(ARRAY(
         SELECT a.attname FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, nth)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.nth), ', ')
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = 'lumen_proof' AND i.indisunique AND i.indisvalid AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL
"""


def verify_database(dsn: Dsn, log: str, known: Head | None = None, start: Progress | None = None) -> Progress:
    """Check the ledger, from ``start`` or from its beginning, and return how far it goes.

    ``known`` is a head that must be in it. Raises ``BrokenChainError`` with the first bad seq, and ``UnavailableError`` if
    PostgreSQL does not answer, which says nothing about the ledger.
    """
    begin = start or beginning(log)
    counted = Counted(begin.head.height)
    try:
        with contextlib.closing(connect(dsn, "verifier")) as db, contextlib.ExitStack() as cursors:
            db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")  # one snapshot for all that is read below
            streams = _Streams(db, cursors)
            entries = counted.over(streams.entries(begin.head.height))
            progress = check_stored(_stated(streams, entries, log, known, begin), begin)
            if start is None:
                _check_rest(db, progress.head)
            else:
                check_start(start, lambda nodes: read_nodes(db, nodes))
            return progress
    except psycopg.Error as error:
        if is_passing(error):
            raise translated(error, dsn) from None
        seq = _first_unreadable(dsn, counted.checked)
        text = f"PostgreSQL cannot read the ledger: {for_everybody(error, dsn)}"
        raise BrokenChainError(seq, "database", text) from None


class _Streams:
    """Rows of one snapshot in constant memory: a cursor of the server for each thing that is read in order."""

    def __init__(self, db: Connection, cursors: contextlib.ExitStack) -> None:
        """Read by ``db``, which is in a transaction; ``cursors`` closes what was opened."""
        self.db = db
        self._cursors = cursors
        self._names = 0

    def rows(self, query: str, *values: object) -> Iterator[Row]:
        """Return the rows of a query."""
        self._names += 1
        cursor = self._cursors.enter_context(self.db.cursor(f"stream_{self._names}"))
        cursor.itersize = _FETCH
        cursor.execute(query.encode(), values, binary=True)
        return iter(cursor)

    def entries(self, first: int) -> Iterator[StoredEntry]:
        """Yield all entries from number ``first`` on with their parts."""
        # A check from the start reads what stands before the first entry too, where nothing may be.
        low = first or -(2**63)
        yield from merged(self.rows(ENTRIES_FROM, low), self.rows(PARTS_FROM, low))


def _stated(streams: _Streams, entries: Iterable[StoredEntry], log: str, known: Head | None, begin: Progress) -> Stored:
    db = streams.db
    stated = head_of(fetch(db, HEAD).fetchone())
    (origin,) = fetch(db, "SELECT origin FROM lumen_proof.head WHERE id = 1").fetchone() or ("",)
    query = "SELECT size, note FROM lumen_proof.checkpoint WHERE size > %s OR size < 0"
    kept = (KeptCheckpoint(size, note) for size, note in fetch(db, query, begin.frontier.size - 1))
    roots = {one.size: stated_root(one, origin) for one in kept}
    heads = {known.height: known.leaf} if known is not None else {}
    return Stored(log, stated, entries, _StoredNodes(streams, begin.frontier.size), roots, heads)


def _check_rest(db: Connection, head: Head) -> None:
    """Look for what no entry leads to, in a ledger that was checked from its beginning, and for the keys of its tables."""
    if _count(db, "part WHERE seq < 0 OR seq >= %s", head.height):
        raise BrokenChainError(head.height, "missing", "the entry is not there, but a part of it is")
    if _count(db, "node") != head.height - head.height.bit_count():
        raise BrokenChainError(None, "node", "there are nodes that belong to no entries")
    found = set(fetch(db, _UNIQUE).fetchall())
    for key in UNIQUE_KEYS:
        if key not in found:
            raise BrokenChainError(None, "database", f"the table {key[0]} has lost its unique key ({key[1]})")


class _StoredNodes:
    """Returns the stored nodes in the order in which a growing tree completes them: one cursor for each level."""

    def __init__(self, streams: _Streams, size: int) -> None:
        """Begin after the nodes of the first ``size`` entries."""
        self._streams = streams
        self._size = size
        self._levels: dict[int, Iterator[Row]] = {}

    def __call__(self, node: NodeId) -> bytes | None:
        if node.level not in self._levels:
            query = "SELECT place, hash FROM lumen_proof.node WHERE level = %s AND place >= %s ORDER BY place"
            self._levels[node.level] = self._streams.rows(query, node.level, self._size >> node.level)
        row = next(self._levels[node.level], None)
        return row[1] if row is not None and row[0] == node.place else None


def _first_unreadable(dsn: Dsn, first: int) -> int | None:
    """Return the first entry from ``first`` on that cannot be read by itself: rows come in blocks, and so do their errors.

    None if that is not where the damage is.
    """
    with contextlib.suppress(psycopg.OperationalError), contextlib.closing(connect(dsn, "verifier")) as db:
        for seq in range(first, first + _FETCH):
            try:
                if read_entry(db, "seq", seq) is None:
                    return None
            except psycopg.Error:
                return seq
    return None


def _count(db: Connection, what: str, *values: object) -> int:
    row = fetch(db, f"SELECT count(*) FROM lumen_proof.{what}", *values).fetchone()  # noqa: S608 - literals # nosec B608
    return int(row[0]) if row else 0
