"""Reading a ledger from PostgreSQL: statements to stored entries, nodes and checkpoints. Nothing here writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import psycopg

from proof.errors import BrokenChainError, UnavailableError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId
from proof.postgres.dsn import Dsn
from proof.postgres.session import Connection, Timing, configure, connect, fetch, is_passing, milliseconds, translated
from proof.store import KeptCheckpoint
from proof.storing.rows import Row, merged

HEAD = "SELECT height, leaf, size FROM lumen_proof.head WHERE id = 1"
_ENTRY = "SELECT seq, idem, leaf, body FROM lumen_proof.entry"
_PART = "SELECT seq, name, salt, data FROM lumen_proof.part"
ENTRIES_FROM = f"{_ENTRY} WHERE seq >= %s ORDER BY seq"
PARTS_FROM = f"{_PART} WHERE seq >= %s ORDER BY seq, name"
_NODES = (
    "SELECT CASE WHEN w.level = 0 THEN e.leaf ELSE n.hash END "
    "FROM unnest(%s::integer[], %s::bigint[]) WITH ORDINALITY AS w (level, place, nth) "
    "LEFT JOIN lumen_proof.node n ON n.level = w.level AND n.place = w.place "
    "LEFT JOIN lumen_proof.entry e ON w.level = 0 AND e.seq = w.place ORDER BY w.nth"
)
_Read = TypeVar("_Read")


class PostgresReader:
    """One connection for reading, made again when it was lost; it waits for nothing that the writer holds."""

    def __init__(self, dsn: Dsn, timing: Timing) -> None:
        """Keep how to connect; the first read connects."""
        self._dsn = dsn
        self._timing = timing
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closed = False

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""
        return self._read(lambda db: read_entry(db, "seq", seq))

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""
        return self._read(lambda db: read_entry(db, "idem", idem))

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """See ``LedgerStore.entries``."""
        return self._read(lambda db: read_entries(db, first, count))

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
            if self._connection is not None:
                self._connection.close()

    def _read(self, work: Callable[[Connection], _Read]) -> _Read:
        """Return what ``work`` does; raises ``UnavailableError``, and ``BrokenChainError`` for what cannot be read."""
        with self._lock:
            if self._closed:
                raise UnavailableError("the ledger is closed: retry later")
            fresh = self._connection is None
            try:
                return work(self._connected())
            except psycopg.Error as error:
                lost = self._connection is None or self._connection.broken
                if not lost or fresh or not is_passing(error):
                    raise translated(error, self._dsn) from None
            try:
                return work(self._connected())  # the session had ended since the last read: nothing else was wrong
            except psycopg.Error as error:
                raise translated(error, self._dsn) from None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn, "reader")
            configure(self._connection, lock_timeout=milliseconds(self._timing.lock))
        return self._connection


def head_of(row: Row | None) -> Head:
    """Return the head in a row of ``HEAD``; raises ``BrokenChainError`` if it is missing or not what a head is."""
    if row is None or [type(value) for value in row[:3]] != [int, str, int] or row[0] < 0:
        raise BrokenChainError(None, "head", "the row that states the head is missing or damaged")
    return Head(row[0], row[1], row[2])


def read_by_idem(db: Connection, idems: Sequence[str]) -> Mapping[str, StoredEntry]:
    """Return those entries that have one of these keys, with their parts, by key."""
    rows = fetch(db, f"{_ENTRY} WHERE idem = ANY(%s) ORDER BY seq", idems).fetchall()
    if not rows:
        return {}
    parts = fetch(db, f"{_PART} WHERE seq = ANY(%s) ORDER BY seq, name", [row[0] for row in rows])
    return {stored.idem: stored for stored in merged(rows, iter(parts))}


def read_entry(db: Connection, column: str, value: int | str) -> StoredEntry | None:
    """Return the entry whose ``column`` (``seq`` or ``idem``) has this value, with its parts."""
    rows = fetch(db, f"{_ENTRY} WHERE {column} = %s", value).fetchall()
    if not rows:
        return None
    parts = fetch(db, f"{_PART} WHERE seq = %s ORDER BY name", rows[0][0])
    return next(merged(rows, iter(parts)))


def read_entries(db: Connection, first: int, count: int) -> list[StoredEntry]:
    """Return up to ``count`` entries from number ``first`` on."""
    rows = fetch(db, f"{ENTRIES_FROM} LIMIT %s", first, count).fetchall()
    if not rows:
        return []
    where = "WHERE seq BETWEEN %s AND %s ORDER BY seq, name"
    parts = fetch(db, f"{_PART} {where}", rows[0][0], rows[-1][0])
    return list(merged(rows, iter(parts)))


def read_bodies(db: Connection, first: int, end: int) -> list[bytes]:
    """Return the bodies of the entries from number ``first`` up to before ``end``, in order and unchecked."""
    query = "SELECT body FROM lumen_proof.entry WHERE seq >= %s AND seq < %s ORDER BY seq"
    return [body for (body,) in fetch(db, query, first, end)]


def find_entries(db: Connection, prefix: str, first: int, count: int) -> list[int]:
    """Return the numbers of up to ``count`` entries from ``first`` on whose idempotency key begins with ``prefix``."""
    # Keys are printable, and the last code point of Unicode is not: what begins with the prefix sorts before it.
    query = "SELECT seq FROM lumen_proof.entry WHERE idem >= %s AND idem < %s AND seq >= %s ORDER BY seq LIMIT %s"
    return [seq for (seq,) in fetch(db, query, prefix, prefix + chr(0x10FFFF), first, count)]


def read_nodes(db: Connection, nodes: Sequence[NodeId]) -> list[bytes]:
    """Return the hashes of ``nodes`` in their order, leaf hashes at level 0; raises ``BrokenChainError`` if one is missing."""
    if not nodes:
        return []
    rows = fetch(db, _NODES, [node.level for node in nodes], [node.place for node in nodes])
    found = [computed for (computed,) in rows]
    for node, computed in zip(nodes, found, strict=True):
        if not isinstance(computed, bytes):
            raise BrokenChainError(None, "node", f"the node {node.place} of level {node.level} is missing or damaged")
    return found


def read_checkpoints(db: Connection, after: int, count: int) -> list[KeptCheckpoint]:
    """Return up to ``count`` kept checkpoints over more than ``after`` entries, smallest first."""
    query = "SELECT size, note FROM lumen_proof.checkpoint WHERE size > %s ORDER BY size LIMIT %s"
    return [KeptCheckpoint(size, note) for size, note in fetch(db, query, after, count)]
