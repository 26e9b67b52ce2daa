"""Where a ledger can live: each house opens it, and lets a test change what is stored behind its back."""

# ruff: noqa: S608 - the statements are made of literals of this file

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry

from proof.ledger import Ledger, open_ledger
from proof.postgres.schema import TABLES, schema_sql
from proof.store import LedgerStore, LogIdentity, open_store, utc_now
from tests.proof.samples import IDENTITY, places, unexpected
from tests.proof.serving import ProofdProcess, proofd_process
from tests.stack.postgres import OWNER, SERVICE, Postgres

Fatal = Callable[[BaseException], None]
DATABASE = "ledger"


class House(ABC):
    """One database. ``dsn`` names it; key and last signed checkpoint are beside ``path``."""

    refusals: tuple[type[Exception], ...]

    def __init__(self, dsn: str, path: Path) -> None:
        """Nothing is there yet."""
        self.dsn = dsn
        self.path = path

    def open(
        self,
        identity: LogIdentity = IDENTITY,
        on_fatal: Fatal = unexpected,
        clock: Callable[[], datetime] = utc_now,
    ) -> LedgerStore:
        """Open the ledger, a new one if there is none."""
        return open_store(self.dsn, identity, on_fatal, clock)

    @contextlib.contextmanager
    def opened(self) -> Iterator[LedgerStore]:
        """Open it and close it."""
        with contextlib.closing(self.open()) as store:
            yield store

    @contextlib.contextmanager
    def signed(self) -> Iterator[Ledger]:
        """Open it with everything that signs and watches it."""
        ledger = open_ledger(self.dsn, IDENTITY, places(self.path), CollectorRegistry(), unexpected)
        try:
            yield ledger
        finally:
            ledger.close()

    @contextlib.contextmanager
    def process(self) -> Iterator[ProofdProcess]:
        """Run a proofd for it in a process of its own."""
        with proofd_process(self.path, dsn=self.dsn) as proofd:
            yield proofd

    def change(self, *statements: str) -> None:
        """Run SQL as somebody whom no trigger stops; ``$zero`` is 32 zero bytes, ``$null`` one, ``$braces`` an empty object."""
        self._run(statements, triggers=False)

    def type(self, statement: str) -> None:
        """Run SQL as somebody who owns the tables and types a mistake."""
        self._run([statement], triggers=True)

    @abstractmethod
    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""

    @abstractmethod
    def copy(self) -> object:
        """Return a copy of what is stored now."""

    @abstractmethod
    def put_back(self, copy: object) -> None:
        """Put a copy in the place of what is stored, as a restore does while nothing runs."""

    @abstractmethod
    def replace(self, copy: object) -> None:
        """Put a copy in the place of what is stored while the ledger is open."""

    @abstractmethod
    def empty(self) -> None:
        """Make it what it was before the first start."""

    @abstractmethod
    def blob(self, content: bytes) -> str:
        """Return how bytes are written in SQL."""

    @abstractmethod
    def _run(self, statements: Sequence[str], *, triggers: bool) -> None:
        """Run statements in one transaction."""

    def sql(self, statement: str) -> str:
        """Return a statement in the language of this database."""
        zero, null, braces = (self.blob(content) for content in (bytes(32), b"\0", b"{}"))
        return Template(statement).substitute(zero=zero, null=null, braces=braces)


class SqliteHouse(House):
    """A file."""

    refusals = (sqlite3.IntegrityError,)

    def __init__(self, folder: Path) -> None:
        """Use ``proof.db`` in ``folder``."""
        super().__init__(f"sqlite:///{folder}/proof.db", folder / "proof.db")
        self._folder = folder
        self._copies = 0

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if not self.path.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            return db.execute(query).fetchall()

    def copy(self) -> Path:
        self._copies += 1
        copy = self._folder / f"copy-{self._copies}.db"
        with contextlib.closing(sqlite3.connect(self.path)) as db, contextlib.closing(sqlite3.connect(copy)) as target:
            db.backup(target)
        return copy

    def put_back(self, copy: object) -> None:
        assert isinstance(copy, Path)
        self.empty()
        shutil.copy(copy, self.path)

    def replace(self, copy: object) -> None:
        assert isinstance(copy, Path)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        copy.rename(self.path)

    def empty(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def blob(self, content: bytes) -> str:
        return f"x'{content.hex()}'"

    def _run(self, statements: Sequence[str], *, triggers: bool) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as db, db:
            if not triggers:
                for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                    db.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                db.execute(self.sql(statement))


class PostgresHouse(House):
    """A database of a server; the ledger is opened by the role that may only add to it."""

    refusals = (psycopg.errors.RaiseException,)

    def __init__(self, server: Postgres, folder: Path) -> None:
        """Use the database of the tests, with new tables."""
        super().__init__(server.tcp_dsn(SERVICE, DATABASE), folder / "postgresql")
        self.server = server
        self._copies = 0
        with server.admin() as admin:
            if not admin.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        self.empty()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.admin() as db:
            return db.execute(query.encode()).fetchall()

    def copy(self) -> str:
        self._copies += 1
        name = f"copy_{self._copies}"
        with self.admin() as db:
            db.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            db.execute(f"CREATE SCHEMA {name}")
            for table in TABLES:
                db.execute(f"CREATE TABLE {name}.{table} AS TABLE lumen_proof.{table}")
        return name

    def put_back(self, copy: object) -> None:
        with self.admin(triggers=False) as db, db.transaction():
            for table in TABLES:
                db.execute(f"TRUNCATE lumen_proof.{table}")
                db.execute(f"INSERT INTO lumen_proof.{table} SELECT * FROM {copy}.{table}")

    def replace(self, copy: object) -> None:
        self.put_back(copy)

    def empty(self) -> None:
        with self.server.admin(DATABASE) as db:
            # A session that is closed takes a moment to end.
            db.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                       "WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip
            db.execute("DROP SCHEMA IF EXISTS lumen_proof CASCADE")
        with self.owner() as db:
            db.execute(schema_sql(SERVICE).encode())

    def blob(self, content: bytes) -> str:
        return f"'\\x{content.hex()}'::bytea"

    def admin(self, *, triggers: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of the administrator."""
        connection = self.server.admin(DATABASE)
        connection.execute("SET search_path = lumen_proof")
        if not triggers:
            connection.execute("SET session_replication_role = replica")
        return connection

    def owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of the role that owns the tables."""
        return self._connected(OWNER)

    def service(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of the role of proofd."""
        return self._connected(SERVICE)

    def _connected(self, role: str) -> psycopg.Connection[tuple[Any, ...]]:
        connection = psycopg.connect(self.server.tcp_dsn(role, DATABASE), autocommit=True)
        connection.execute("SET search_path = lumen_proof")
        return connection

    def _run(self, statements: Sequence[str], *, triggers: bool) -> None:
        with self.owner() if triggers else self.admin(triggers=False) as db, db.transaction():
            for statement in statements:
                db.execute(self.sql(statement).encode())
