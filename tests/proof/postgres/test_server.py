"""Which servers and databases a ledger opens in, and which are refused with a line that says why."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import pytest

from proof.errors import StartError
from proof.postgres.dsn import Dsn
from proof.postgres.opening import check_server
from proof.postgres.session import connect
from proof.store import open_store
from tests.proof.contract.houses import DATABASE
from tests.proof.samples import IDENTITY, append, draft, unexpected
from tests.stack.postgres import OWNER, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proof.contract.houses import PostgresHouse
    from tests.stack.postgres import Postgres


@contextlib.contextmanager
def setting(server: Postgres, name: str, value: str) -> Iterator[None]:
    """Run the server with another setting."""
    with server.admin() as admin:
        try:
            server.set(admin, name, value)
            yield
        finally:
            server.set(admin, name, None)


def test_a_server_without_fsync_is_refused(house: PostgresHouse) -> None:
    """What it acknowledges would not survive a power failure."""
    with setting(house.server, "fsync", "off"), pytest.raises(StartError, match="fsync = off"):
        house.open()
    house.open().close()


def test_a_server_without_full_page_writes_is_told(house: PostgresHouse, caplog: pytest.LogCaptureFixture) -> None:
    """Some file systems make them needless, so it is a warning."""
    with setting(house.server, "full_page_writes", "off"), caplog.at_level(logging.WARNING):
        house.open().close()
    assert ["full_page_writes = off" in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize(("configured", "used"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
def test_the_writer_waits_for_the_disk(house: PostgresHouse, configured: str, used: str) -> None:
    """Whatever the server is set to, a commit of the ledger waits for the disk, and for standbys if there are such."""
    with (
        setting(house.server, "synchronous_commit", configured),
        contextlib.closing(connect(Dsn(house.dsn), "t")) as db,
    ):
        check_server(db)
        assert db.execute("SHOW synchronous_commit").fetchone() == (used,)


def test_a_database_without_tables_says_how_to_make_them(house: PostgresHouse) -> None:
    """proofd makes no tables: the start names the command that prints them."""
    with house.admin() as db:
        db.execute("DROP SCHEMA lumen_proof CASCADE")
    with pytest.raises(StartError, match=r"has no ledger: .*lumen proof schema \| psql"):
        house.open()
    with house.owner() as db:
        db.execute("CREATE SCHEMA lumen_proof")
        db.execute(f"GRANT USAGE ON SCHEMA lumen_proof TO {SERVICE}")
    with pytest.raises(StartError, match="is no ledger"):
        house.open()


def test_a_later_layout_is_refused(house: PostgresHouse) -> None:
    """Tables made by a later program are not touched."""
    with house.owner() as db:
        db.execute("INSERT INTO layout VALUES (2)")
    with pytest.raises(StartError, match="layout 2"):
        house.open()


def test_another_encoding_is_refused(house: PostgresHouse) -> None:
    """A database that cannot hold every text, or sorts it otherwise, cannot hold a ledger."""
    name = "latin"
    with house.server.admin() as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name} OWNER {OWNER} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StartError, match=r"LATIN1.*UTF8"):
        open_store(house.server.tcp_dsn(SERVICE, name), IDENTITY, unexpected)


def test_a_standby_is_refused(house: PostgresHouse) -> None:
    """A server that only follows takes no entries, and says so at the start."""
    house.open().close()
    with house.server.as_standby(), pytest.raises(StartError, match=r"read-only|standby") as caught:
        house.open()
    assert "\n" not in str(caught.value)
    with house.opened() as store:
        assert append(store, draft("a")).seq == 0


def test_a_session_of_somebody_else_does_not_matter(house: PostgresHouse) -> None:
    """Objects that others put into the database are not mistaken for those of PostgreSQL or of the ledger."""
    with house.admin() as db:
        db.execute("CREATE SCHEMA theirs")
        try:
            db.execute(
                "CREATE FUNCTION theirs.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1::bigint'"
            )
            db.execute("CREATE TABLE theirs.entry (seq bigint)")
            db.execute(f"GRANT USAGE ON SCHEMA theirs TO {SERVICE}")
            db.execute(f"ALTER ROLE {SERVICE} IN DATABASE {DATABASE} SET search_path = theirs, pg_catalog, lumen_proof")
            with house.opened() as store:
                futures = [store.append(draft(f"k{number}", x=number)) for number in range(5)]
                assert [future.result(30).seq for future in futures] == list(range(5))
                assert store.verify().ok
        finally:
            db.execute(f"ALTER ROLE {SERVICE} IN DATABASE {DATABASE} RESET search_path")
            db.execute("DROP SCHEMA theirs CASCADE")
