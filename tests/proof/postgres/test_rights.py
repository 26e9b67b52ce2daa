"""What the role of proofd may do, and what a start says about a role that may do more or less."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import psycopg
import pytest

from proof.errors import StartError
from proof.postgres.schema import schema_sql
from proof.store import open_store
from tests.proof.contract.houses import DATABASE
from tests.proof.samples import IDENTITY, append, draft, unexpected
from tests.stack.postgres import OWNER, SERVICE

if TYPE_CHECKING:
    from proof.store import LedgerStore
    from tests.proof.contract.houses import PostgresHouse

FORBIDDEN = [
    "UPDATE entry SET leaf = leaf",
    "DELETE FROM entry",
    "TRUNCATE entry",
    "UPDATE part SET salt = NULL, data = NULL",
    "DELETE FROM part",
    "TRUNCATE part",
    "UPDATE node SET hash = hash",
    "DELETE FROM node",
    "TRUNCATE node",
    "UPDATE checkpoint SET note = note",
    "DELETE FROM checkpoint",
    "TRUNCATE checkpoint",
    "UPDATE head SET origin = origin",
    "UPDATE head SET log = log",
    "UPDATE head SET id = 1",
    "DELETE FROM head",
    "TRUNCATE head",
    "UPDATE layout SET version = 2",
    "INSERT INTO layout VALUES (2)",
    "DROP TABLE entry",
    "ALTER TABLE entry DISABLE TRIGGER ALL",
    "DROP TRIGGER entry_stays ON entry",
    "CREATE TABLE lumen_proof.more ()",
    "SET session_replication_role = replica",
    "DROP SCHEMA lumen_proof CASCADE",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_role_of_proofd_can_only_add(house: PostgresHouse, ledger: LedgerStore, statement: str) -> None:
    """Whoever takes over the connection of proofd cannot change what is there."""
    append(ledger, draft("a", x=1))
    with house.service() as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute(statement.encode())
    assert ledger.verify().ok


def test_its_own_role_starts_without_a_warning(house: PostgresHouse, caplog: pytest.LogCaptureFixture) -> None:
    """The grants of the schema are what proofd needs, no more and no less."""
    with caplog.at_level(logging.WARNING), house.opened() as store:
        append(store, draft("a", x=1))
    assert not caplog.records


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        ("GRANT UPDATE ON entry TO {}", "UPDATE on entry"),
        ("GRANT UPDATE (body) ON entry TO {}", "UPDATE on entry"),
        ("GRANT UPDATE (data) ON part TO {}", "UPDATE on part"),
        ("GRANT DELETE ON part TO {}", "DELETE on part"),
        ("GRANT TRUNCATE ON node TO {}", "TRUNCATE on node"),
        ("GRANT TRIGGER ON checkpoint TO {}", "TRIGGER on checkpoint"),
        ("GRANT UPDATE ON head TO {}", "UPDATE of head.log, UPDATE of head.origin"),
        ("GRANT DELETE ON head TO PUBLIC", "DELETE on head"),
    ],
)
def test_a_role_that_may_do_more_is_told(
    house: PostgresHouse, caplog: pytest.LogCaptureFixture, grant: str, said: str
) -> None:
    """proofd starts, and its log says which rights to take away."""
    with house.owner() as db:
        db.execute(grant.format(SERVICE).encode())
    with caplog.at_level(logging.WARNING), house.opened() as store:
        append(store, draft("a"))
    (record,) = caplog.records
    assert "may change the history of the ledger" in record.message
    assert said in record.message


@pytest.mark.parametrize(("user", "said"), [(OWNER, "it owns the schema"), ("postgres", "it is a superuser")])
def test_owner_and_superuser_are_told(
    house: PostgresHouse, caplog: pytest.LogCaptureFixture, user: str, said: str
) -> None:
    """Whoever owns the tables, or is above all rights, can take every protection away."""
    with caplog.at_level(logging.WARNING):
        open_store(house.server.socket_dsn(user, DATABASE), IDENTITY, unexpected).close()
    assert [said in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("revoke", "said"),
    [
        ("REVOKE INSERT ON part FROM {}", "INSERT on part"),
        ("REVOKE SELECT ON node FROM {}", "SELECT on node"),
        ("REVOKE UPDATE (size) ON head FROM {}", "UPDATE of head.size"),
        ("REVOKE SELECT ON layout FROM {}", "permission denied"),
        ("REVOKE USAGE ON SCHEMA lumen_proof FROM {}", "may not use the ledger"),
    ],
)
def test_a_role_that_may_do_too_little_does_not_start(house: PostgresHouse, revoke: str, said: str) -> None:
    """One line names the right that is missing, before anything is written."""
    with house.owner() as db:
        db.execute(revoke.format(SERVICE).encode())
    with pytest.raises(StartError, match=said) as caught:
        house.open()
    assert "\n" not in str(caught.value)
    assert house.rows("SELECT * FROM lumen_proof.head") == []


def test_a_role_may_have_any_name(house: PostgresHouse) -> None:
    """Names are quoted: capitals, spaces and quotes are part of them, and nothing else."""
    role = 'Proof "d"; DROP'
    quoted = '"' + role.replace('"', '""') + '"'
    with house.admin() as db:
        db.execute("DROP SCHEMA lumen_proof CASCADE")
        if not db.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchall():
            db.execute(f"CREATE ROLE {quoted} LOGIN".encode())
    with house.owner() as db:
        db.execute(schema_sql(role).encode())
    with house.admin() as db:
        (granted,) = (
            db.execute("SELECT has_table_privilege(%s, 'lumen_proof.entry', 'INSERT')", [role]).fetchone() or ()
        )
    assert granted
    for name in ("", "a\nb", "x" * 64):
        with pytest.raises(ValueError, match="role"):
            schema_sql(name)
