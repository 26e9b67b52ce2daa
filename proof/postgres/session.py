"""Connections to PostgreSQL: how they are set up, and what their errors mean."""

from __future__ import annotations

import logging
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

import psycopg

from proof.errors import BrokenChainError, ProofError, StartError, UnavailableError
from proof.postgres.dsn import Dsn

_log = logging.getLogger(__name__)
Connection = psycopg.Connection[tuple[Any, ...]]
_CONNECTION_LOST = ("08", "53", "55", "57", "40")
"""Classes of SQLSTATE that say nothing about what is stored: connection, resources, locks, intervention, conflicts."""
_MAX_NAME_BYTES = 63
_PATH = re.compile(r"[^\s\"']*/[^\s\"']*")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. A writer that gives no sign of life for ``lease`` loses its session, and with it the right to write.

    It gives one every ``beat``; a start waits for another one's session to end for ``patience``, and no statement of the
    writer waits for a lock longer than ``lock``.
    """

    lease: float = 30.0
    beat: float = 5.0
    patience: float = 5.0
    lock: float = 30.0


def connect(dsn: Dsn, purpose: str) -> Connection:
    """Return an autocommitting connection; raises ``psycopg.Error``. ``purpose`` is for whoever looks at the sessions."""
    name = f"lumen proofd {purpose} {os.getpid()} {socket.gethostname()}"
    connection = psycopg.connect(
        autocommit=True,
        **dsn.parameters(application_name=name.encode("ascii", "replace")[:_MAX_NAME_BYTES].decode()),  # type: ignore[arg-type]  # all are texts of libpq, not the arguments of connect
    )
    try:
        configure(
            connection,
            search_path="pg_catalog, pg_temp",  # names of others cannot stand before those of PostgreSQL
            statement_timeout="0",
            default_transaction_isolation="read committed",
            default_transaction_read_only="off",
            default_transaction_deferrable="off",
        )
    except BaseException:
        connection.close()
        raise
    return connection


def configure(connection: Connection, **settings: str) -> None:
    """Set parameters of this session."""
    calls = ", ".join("pg_catalog.set_config(%s, %s, false)" for _ in settings)
    connection.execute(f"SELECT {calls}", [text for pair in settings.items() for text in pair])


def fetch(connection: Connection, statement: str, *values: object) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a statement that is made of constants, with its results in PostgreSQL's binary form."""
    return connection.execute(statement.encode(), values, binary=True)


def milliseconds(seconds: float) -> str:
    """Return a time as PostgreSQL's parameters take it."""
    return str(int(seconds * 1000))


def is_passing(error: psycopg.Error) -> bool:
    """Tell whether ``error`` is about reaching the database or its load, not about what is stored."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] in _CONNECTION_LOST


def translated(error: psycopg.Error, dsn: Dsn) -> ProofError:
    """Return what an error while reading means for the ledger."""
    if is_passing(error):
        return UnavailableError(f"PostgreSQL does not answer: {for_everybody(error, dsn)}")
    return BrokenChainError(None, "database", f"PostgreSQL cannot read the ledger: {for_everybody(error, dsn)}")


def for_everybody(error: psycopg.Error, dsn: Dsn) -> str:
    """Return what ``error`` says without the paths of sockets and of files of the server, which go into the log."""
    text = dsn.told(error)
    _log.error("PostgreSQL: %s", text)
    return _PATH.sub("[path]", text)


def refused(error: psycopg.Error, dsn: Dsn) -> StartError:
    """Return what an error while starting means."""
    return StartError(
        f"the ledger in PostgreSQL cannot be opened: {dsn.told(error)}. Nothing was changed; see PROOF_DSN"
    )
