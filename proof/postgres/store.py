"""The PostgreSQL store: one session that writes, with group commit and a lock; readers see only what is committed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial

import psycopg

from proof.errors import BrokenChainError, StartError, UnavailableError
from proof.postgres.dsn import Dsn
from proof.postgres.opening import check_rights, check_server, check_tables, settle_identity, take_lock
from proof.postgres.reader import PostgresReader
from proof.postgres.session import Connection, Timing, connect, refused
from proof.postgres.tables import PostgresError, PostgresTables
from proof.postgres.verification import verify_database
from proof.store import LogIdentity
from proof.storing.checking import Progress
from proof.storing.sequenced_store import SequencedStore, does_not_verify

_MAX_BATCH = 100


class PostgresStore(SequencedStore):
    """A ``LedgerStore`` in a PostgreSQL database; open it with :meth:`open`."""

    def __init__(
        self,
        dsn: Dsn,
        log: str,
        session: Connection,
        verified: Progress,
        timing: Timing,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take over the session that may write a verified ledger; ``open`` is the way to get here."""
        self._fatal = on_fatal
        self._tables = PostgresTables(dsn, session, timing)
        check = partial(verify_database, dsn, log)
        super().__init__(log, verified, self._tables, PostgresReader(dsn, timing), check, on_fatal, clock, _MAX_BATCH)
        self._tables.start(self._lost)

    @classmethod
    def open(
        cls,
        dsn: str,
        identity: LogIdentity,
        on_fatal: Callable[[BaseException], None],
        clock: Callable[[], datetime],
        timing: Timing | None = None,
    ) -> PostgresStore:
        """Connect, take the lock of the writer and verify; see ``proof.store.open_store`` for the rest."""
        where, times = Dsn(dsn), timing or Timing()
        try:
            with contextlib.ExitStack() as undo:
                session = undo.enter_context(contextlib.closing(connect(where, "writer")))
                check_server(session)
                check_tables(session)
                check_rights(session)
                take_lock(session, times)
                settle_identity(session, identity)
                verified = verify_database(where, identity.log)
                store = cls(where, identity.log, session, verified, times, on_fatal, clock)
                undo.pop_all()
                return store
        except BrokenChainError as error:
            raise StartError(
                does_not_verify("the ledger in PostgreSQL", error, "a dump of the database", "in another database")
            ) from None
        except UnavailableError as error:
            raise StartError(f"the ledger in PostgreSQL cannot be opened: {error}. Nothing was changed") from None
        except psycopg.Error as error:
            raise refused(error, where) from None

    def _lost(self, error: PostgresError) -> None:
        self.freeze(f"the session with the right to write was lost ({error})")
        self._fatal(error)
