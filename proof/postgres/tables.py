"""The writing side: one session, one transaction after the other, and a sign of life while there is nothing to write."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry
from proof.postgres.dsn import Dsn
from proof.postgres.reader import head_of, read_by_idem
from proof.postgres.session import Connection, Timing, configure, fetch, for_everybody, milliseconds
from proof.storing.sequencer import FOREIGN_WRITE, Addition

_BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT height, leaf, size, pg_catalog.pg_backend_pid() FROM lumen_proof.head WHERE id = 1 FOR UPDATE
"""
_ADD = """
WITH entries AS (
  INSERT INTO lumen_proof.entry (seq, idem, leaf, body)
  SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[])
), parts AS (
  INSERT INTO lumen_proof.part (seq, name, salt, data)
  SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[])
), nodes AS (
  INSERT INTO lumen_proof.node (level, place, hash)
  SELECT * FROM unnest(%s::integer[], %s::bigint[], %s::bytea[])
)
UPDATE lumen_proof.head SET height = %s, leaf = %s, size = %s
WHERE id = 1 AND height = %s AND leaf = %s AND size = %s
"""
_PRESENT = "SELECT 1 FROM lumen_proof.part WHERE seq = %s AND name = %s AND data IS NOT NULL"
_ERASE = "UPDATE lumen_proof.part SET salt = NULL, data = NULL WHERE seq = %s AND name = %s"
_KEEP = "INSERT INTO lumen_proof.checkpoint (size, note) VALUES (%s, %s) ON CONFLICT DO NOTHING"


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
        self._warning: str | None = None
        session.add_notice_handler(self._hear)
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
            client_min_messages="warning",
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
        with self._told():
            # The first statement of its own, so that all that follow see what was committed before the lock was there.
            row = self._second(_BEGIN).fetchone()
            known = read_by_idem(self._session, list(idems)) if idems else {}
        if row is not None and (row[3],) != self._process:
            raise PostgresError("a connection pooler gave this transaction another session: connect without it")
        return head_of(row), known

    def write(self, addition: Addition) -> None:
        """See ``Tables.write``."""
        before, after = addition.before, addition.after
        entries = [(one.seq, one.idem, one.leaf, one.body) for one in (new.stored for new in addition.entries)]
        parts = [
            (new.stored.seq, part.name, part.salt, part.data) for new in addition.entries for part in new.stored.parts
        ]
        nodes = [(*node, computed) for node, computed in addition.nodes]
        with self._told():
            for one in addition.checkpoints:
                fetch(self._session, _KEEP, one.size, one.note)
            for erased in addition.erasures:
                # proofd's own role may not do this, and need not where the owner of the tables did it before.
                if fetch(self._session, _PRESENT, *erased).fetchone():
                    fetch(self._session, _ERASE, *erased)
            columns = (*_columns(entries, 4), *_columns(parts, 4), *_columns(nodes, 3))
            heads = (after.height, after.leaf, after.size, before.height, before.leaf, before.size)
            moved = fetch(self._session, _ADD, *columns, *heads)
        if moved.rowcount != 1:
            raise BrokenChainError(before.height, "head", FOREIGN_WRITE)

    def commit(self) -> None:
        """See ``Tables.commit``."""
        self._warning = None
        with self._told():
            status = self._session.execute("COMMIT", prepare=False).statusmessage
        if status != "COMMIT":  # a transaction that failed is rolled back by it, without an error
            raise PostgresError(f"COMMIT was answered with {status}")
        if self._warning is not None:  # somebody cancelled the wait for a standby, which may lack the entries
            raise PostgresError(f"COMMIT came with a warning: {self._warning}")
        self._busy.release()

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

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warning = notice.message_primary or "without words"

    def _second(self, statements: str) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run two statements without values in one round trip; return the rows of the second.

        Not by psycopg's pipeline mode: after a Flush, with which it may end, PostgreSQL no longer watches for a silent client.
        """
        cursor = self._session.execute(statements.encode(), prepare=False)
        cursor.nextset()
        return cursor

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise PostgresError(for_everybody(error, self._dsn)) from None

    def _show_life(self, on_lost: Callable[[PostgresError], None]) -> None:
        while not self._closing.wait(self._timing.beat):
            if not self._busy.acquire(blocking=False):
                continue  # a transaction is a sign of life, or waits for an answer that will tell
            try:
                self._session.execute("SELECT 1")
            except psycopg.Error as error:
                if not self._closing.is_set():
                    on_lost(PostgresError(for_everybody(error, self._dsn)))
                return
            finally:
                self._busy.release()


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> Sequence[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
