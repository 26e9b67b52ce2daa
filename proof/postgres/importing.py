"""An empty ledger in PostgreSQL, to be filled from an export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg

from proof.errors import StartError, UnavailableError
from proof.exporting.importing import Place, refuse_content
from proof.postgres.dsn import Dsn
from proof.postgres.opening import (
    check_rights,
    check_server,
    check_tables,
    refuse_other_log,
    settle_identity,
    take_lock,
)
from proof.postgres.session import Connection, Timing, connect, fetch, refused
from proof.postgres.tables import PostgresError, PostgresTables
from proof.store import LogIdentity
from proof.storing.sequencer import Tables


def postgres_place(text: str, identity: LogIdentity, undo: ExitStack) -> Place:
    """Take the lock of the writer until ``undo`` ends, and see that the tables are there and empty; raises ``StartError``."""
    dsn, timing = Dsn(text), Timing()
    with _told(dsn):
        session = undo.enter_context(contextlib.closing(connect(dsn, "import")))
        check_server(session)
        check_tables(session)
        check_rights(session)
        take_lock(session, timing)
        refuse_other_log(session, identity)
        name = f"in the database {session.info.dbname!a}"
        refuse_content(name, _count(session, "entry"), _count(session, "checkpoint"))

    @contextlib.contextmanager
    def opened() -> Iterator[Tables]:
        with _told(dsn):
            settle_identity(session, identity)
            yield PostgresTables(dsn, session, timing)

    return opened


def _count(session: Connection, table: str) -> int:
    row = fetch(session, f"SELECT count(*) FROM lumen_proof.{table}").fetchone()  # noqa: S608 - literals # nosec B608
    return int(row[0]) if row else 0


@contextlib.contextmanager
def _told(dsn: Dsn) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise refused(error, dsn) from None
    except (PostgresError, UnavailableError) as error:
        raise StartError(f"the ledger in PostgreSQL cannot be written: {error}. Nothing was taken in") from None
