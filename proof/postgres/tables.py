"""The writing side: one session, one transaction after the other, and a sign of life while there is nothing to write."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import psycopg

from proof.chain import Head, StoredEntry
from proof.errors import BrokenChainError
from proof.postgres.dsn import Dsn
from proof.postgres.reader import BODIES_FROM, ENTRIES_BY_IDEM, HEAD, PARTS_BY_IDEM, by_idem, head_of
from proof.postgres.session import Connection, Timing, configure, fetch, milliseconds
from proof.sequencer import FOREIGN_WRITE, Addition

_HEAD = HEAD.replace("size FROM", "size, pg_catalog.pg_backend_pid() FROM") + " FOR UPDATE"
_ENTRIES = (
    "INSERT INTO lumen_proof.entry (seq, idem, leaf, body) "
    "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[])"
)
_PARTS = (
    "INSERT INTO lumen_proof.part (seq, name, salt, data) "
    "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[])"
)
_NODES = (
    "INSERT INTO lumen_proof.node (level, place, hash) SELECT * FROM unnest(%s::integer[], %s::bigint[], %s::bytea[])"
)
_CHECKPOINT = "INSERT INTO lumen_proof.checkpoint (size, note) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_ADVANCE = (
    "UPDATE lumen_proof.head SET height = %s, leaf = %s, size = %s "
    "WHERE id = 1 AND height = %s AND leaf = %s AND size = %s"
)


class PostgresError(Exception):
    """PostgreSQL refused or lost what was to be written; the text is one line without secrets."""


class PostgresTables:
    """``Tables`` of a sequencer, in the session that holds the lock of the writer."""

    def __init__(self, dsn: Dsn, session: Connection, timing: Timing) -> None:
        """Take over ``session``; nothing runs before ``start``."""
        self._dsn = dsn
        self._session = session
        self._timing = timing
        self._process = session.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
        self._busy = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_lost: Callable[[PostgresError], None]) -> None:
        """From now on PostgreSQL ends the session when it is silent for the lease, and this thread sees to it that it is not.

        ``on_lost`` is called once if it ends all the same while nothing is written. Raises ``psycopg.Error``.
        """
        lease = milliseconds(self._timing.lease)
        configure(
            self._session,
            lock_timeout=milliseconds(self._timing.lock),
            idle_session_timeout=lease,
            idle_in_transaction_session_timeout=lease,
            # A client whose machine is gone does not answer: its session ends too, although nobody closed the connection.
            tcp_keepalives_idle="10",
            tcp_keepalives_interval="5",
            tcp_keepalives_count="3",
            tcp_user_timeout=lease,
        )
        self._thread = threading.Thread(target=self._show_life, args=(on_lost,), name="proof-heartbeat", daemon=True)
        self._thread.start()

    def begin(self, idems: Sequence[str]) -> tuple[Head, Mapping[str, StoredEntry]]:
        """See ``Tables.begin``; nobody else writes from the moment on at which the row of the head is locked."""
        self._busy.acquire()
        keys = list(idems)
        with self._told(), self._session.pipeline():
            self._session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            # The first statement of its own, so that all that follow see what was committed before the lock was there.
            head = fetch(self._session, _HEAD)
            entries = fetch(self._session, ENTRIES_BY_IDEM, keys)
            parts = fetch(self._session, PARTS_BY_IDEM, keys)
        row = head.fetchone()
        if row is not None and (row[3],) != self._process:
            raise PostgresError(
                "a connection pooler gives each transaction another session: connect without it, or let it pool sessions"
            )
        return head_of(row), by_idem(entries, parts)

    def write(self, addition: Addition) -> None:
        """See ``Tables.write``."""
        entries = [new.stored for new in addition.entries]
        parts = [(entry.seq, part) for entry in entries for part in entry.parts]
        before, after = addition.before, addition.after
        with self._told(), self._session.pipeline():
            for checkpoint in addition.checkpoints:
                fetch(self._session, _CHECKPOINT, checkpoint.size, checkpoint.note)
            if entries:
                self._insert(_ENTRIES, [(entry.seq, entry.idem, entry.leaf, entry.body) for entry in entries])
            self._insert(_PARTS, [(seq, part.name, part.salt, part.data) for seq, part in parts])
            self._insert(_NODES, [(*node, computed) for node, computed in addition.nodes])
            moved = self._session.execute(
                _ADVANCE, [after.height, after.leaf, after.size, before.height, before.leaf, before.size]
            )
        if moved.rowcount != 1:
            raise BrokenChainError(before.height, "head", FOREIGN_WRITE)

    def commit(self, sealed: int) -> list[bytes]:
        """See ``Tables.commit``."""
        with self._told(), self._session.pipeline():
            done = self._session.execute("COMMIT")
            bodies = fetch(self._session, BODIES_FROM, sealed)
        if done.statusmessage != "COMMIT":  # a transaction that failed is rolled back by it, without an error
            raise PostgresError(f"COMMIT was answered with {done.statusmessage}")
        self._busy.release()
        return [body for (body,) in bodies]

    def abandon(self) -> None:
        """End the session, and with it the transaction and the lock."""
        self._closing.set()
        self._session.close()

    def close(self) -> None:
        """End everything, when nothing is written any more. May be called twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        self._session.close()

    def _insert(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            fetch(self._session, statement, *(list(column) for column in zip(*rows, strict=True)))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise PostgresError(self._dsn.told(error)) from None

    def _show_life(self, on_lost: Callable[[PostgresError], None]) -> None:
        while not self._closing.wait(self._timing.beat):
            if not self._busy.acquire(blocking=False):
                continue  # a transaction is a sign of life, or waits for an answer that will tell
            try:
                self._session.execute("SELECT 1")
            except psycopg.Error as error:
                if not self._closing.is_set():
                    on_lost(PostgresError(self._dsn.told(error)))
                return
            finally:
                self._busy.release()


def _values(head: Head) -> tuple[int, str, int]:
    return head.height, head.leaf, head.size
