"""``lumen proof schema`` prints what makes a ledger on PostgreSQL."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lumen.redaction import Redactor, secrets_of
from lumen.settings import parse_settings
from tests.cli.conftest import Lumen
from tests.proof.contract.houses import DATABASE, PostgresHouse
from tests.proof.samples import append, draft
from tests.stack.postgres import OWNER, SERVICE, Postgres


def test_what_it_prints_makes_a_ledger(lumen: Lumen, postgres: Postgres, tmp_path: Path) -> None:
    """Given to psql as the owner, once: proofd's role can then write, and a second time changes nothing."""
    house = PostgresHouse(postgres, tmp_path)
    with house.admin() as db:
        db.execute("DROP SCHEMA lumen_proof CASCADE")
    printed = lumen("proof", "schema", "--role", SERVICE)
    assert printed.code == 0
    psql = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", postgres.socket_dsn(OWNER, DATABASE)]
    for expected in (0, 3):
        done = subprocess.run(psql, input=printed.out, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == expected, done.stderr
        with house.opened() as store:
            append(store, draft("a"))
            assert store.head.height == 1


def test_a_role_that_cannot_be_is_refused(lumen: Lumen) -> None:
    """One line, exit code 2, nothing printed that somebody could run."""
    ran = lumen("proof", "schema", "--role", "a\nb")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1


def test_a_password_anywhere_in_a_dsn_is_hidden() -> None:
    """Also as a parameter, and where the DSN cannot be read at all."""
    for dsn, secret in (
        ("postgresql:///d?password=hunter2hunter2", "hunter2hunter2"),
        ("postgresql://u:p%5Bw%5D-secret@h/d", "p[w]-secret"),
    ):
        settings, _ = parse_settings({"PROOF_DSN": dsn}, str)
        assert secret not in Redactor(secrets_of(settings)).text(f"cannot use {secret} here")
    settings, _ = parse_settings({"PROOF_DSN": "postgresql://u:p[w-secret@h/d"}, str)
    assert "p[w-secret" not in Redactor(secrets_of(settings)).text(f"cannot use {settings.proof_dsn}")
