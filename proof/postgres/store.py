"""The PostgreSQL store: one session that writes, with group commit and a lock; readers see only what is committed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime

import psycopg

from proof.errors import BrokenChainError, StartError, UnavailableError
from proof.format.chain import Head, StoredEntry
from proof.format.merkle import NodeId, TreeHead
from proof.postgres.dsn import Dsn
from proof.postgres.opening import check_rights, check_server, check_tables, settle_identity, take_lock
from proof.postgres.reader import Reader, find_entries, read_checkpoints, read_entries, read_entry, read_nodes
from proof.postgres.session import Connection, Timing, connect, refused
from proof.postgres.tables import PostgresError, PostgresTables
from proof.postgres.verification import verify_database
from proof.store import Commit, KeptCheckpoint, LogIdentity, Receipt, Verification
from proof.storing.checking import Progress
from proof.storing.draft import Draft
from proof.storing.sequencer import Sequencer

_MAX_BATCH = 100
_MAX_SEQ = 2**53 - 1
_MAX_COUNT = 2**31 - 1


class PostgresStore:
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
        self._dsn = dsn
        self._log = log
        self._verified = verified
        self._fatal = on_fatal
        self._tables = PostgresTables(dsn, session, timing)
        self._reader = Reader(dsn, timing)
        self._sequencer = Sequencer(log, verified, self._tables, on_fatal, clock, _MAX_BATCH)
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
            raise StartError(_broken(error)) from None
        except UnavailableError as error:
            raise StartError(f"the ledger in PostgreSQL cannot be opened: {error}. Nothing was changed") from None
        except psycopg.Error as error:
            raise refused(error, where) from None

    @property
    def log(self) -> str:
        """The log id (64 hex digits)."""
        return self._log

    @property
    def head(self) -> Head:
        """See ``LedgerStore.head``."""
        return self._sequencer.head

    @property
    def tree(self) -> TreeHead:
        """See ``LedgerStore.tree``."""
        return self._sequencer.tree

    @property
    def key(self) -> str:
        """See ``LedgerStore.key``."""
        return self._sequencer.key

    @property
    def failure(self) -> str | None:
        """See ``LedgerStore.failure``."""
        return self._sequencer.failure

    def use_key(self, key: str) -> None:
        """See ``LedgerStore.use_key``."""
        self._sequencer.use_key(key)

    def subscribe(self, listener: Callable[[Commit], None]) -> None:
        """See ``LedgerStore.subscribe``."""
        self._sequencer.subscribe(listener)

    def append(self, draft: Draft) -> Future[Receipt]:
        """See ``LedgerStore.append``."""
        return self._sequencer.append(draft)

    def keep(self, checkpoint: KeptCheckpoint) -> Future[None]:
        """See ``LedgerStore.keep``."""
        return self._sequencer.keep(checkpoint)

    def entry(self, seq: int) -> StoredEntry | None:
        """See ``LedgerStore.entry``."""
        return self._reader.read(lambda db: read_entry(db, "seq", seq)) if 0 <= seq <= _MAX_SEQ else None

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """See ``LedgerStore.entry_by_idem``."""
        return self._reader.read(lambda db: read_entry(db, "idem", idem))

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """See ``LedgerStore.entries``."""
        return self._reader.read(lambda db: read_entries(db, first, count))

    def find(self, prefix: str, first: int, count: int) -> list[int]:
        """See ``LedgerStore.find``."""
        return self._reader.read(lambda db: find_entries(db, prefix, first, count))

    def nodes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """See ``LedgerStore.nodes``."""
        return self._reader.read(lambda db: read_nodes(db, nodes))

    def checkpoints(self, after: int = -1, count: int = 100) -> list[KeptCheckpoint]:
        """See ``LedgerStore.checkpoints``."""
        return self._reader.read(lambda db: read_checkpoints(db, after, count))

    def verify(self, *, full: bool = True) -> Verification:
        """See ``LedgerStore.verify``."""
        known = self.head
        try:
            progress = verify_database(self._dsn, self._log, known, None if full else self._verified)
        except BrokenChainError as error:
            return Verification(ok=False, height=known.height, first_bad_seq=error.seq, reason=str(error))
        self._verified = progress
        return Verification(ok=True, height=progress.head.height)

    def freeze(self, reason: str) -> None:
        """See ``LedgerStore.freeze``."""
        self._sequencer.freeze(reason)

    def close(self) -> None:
        """See ``LedgerStore.close``."""
        self._sequencer.close()
        self._tables.close()
        self._reader.close()

    def _lost(self, error: PostgresError) -> None:
        self.freeze(f"the session with the right to write was lost ({error})")
        self._fatal(error)


def _broken(error: BrokenChainError) -> str:
    place = "no single entry is at fault" if error.seq is None else f"first bad seq {error.seq}"
    return (
        f"the ledger in PostgreSQL does not verify: {place}: {error}. Nothing was changed and nothing will be repaired: "
        "keep a dump of the database as evidence, then restore the last good backup or start a new ledger in another database"
    )
