"""The DSN of a ledger on PostgreSQL: read as libpq reads it, and never shown with its password."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof.errors import StartError
from proof.postgres.dsn import Dsn
from proof.store import beside, open_store, place
from tests.proof.contract.houses import DATABASE
from tests.proof.samples import IDENTITY, append, draft, unexpected
from tests.proof.serving import ROOT
from tests.stack.postgres import PASSWORD, SERVICE
from tests.stack.processes import free_port

if TYPE_CHECKING:
    from tests.proof.contract.houses import PostgresHouse

passwords = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(password=passwords)
def test_an_encoded_password_arrives(password: str) -> None:
    """Whatever characters it has."""
    parameters = Dsn(f"postgresql://u:{quote(password, safe='')}@h:5432/d").parameters()
    assert {name: parameters[name] for name in ("user", "password", "host", "port", "dbname")} == {
        "user": "u",
        "password": password,
        "host": "h",
        "port": "5432",
        "dbname": "d",
    }


@given(password=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=8))
def test_a_password_is_taken_out_of_what_others_say(password: str) -> None:
    """In an error, and in the text of the DSN itself; several lines become one."""
    dsn = Dsn(f"postgresql://u:{quote(password, safe='')}@h/d")
    assert dsn.told(ValueError(f"cannot \n use <{password}>\n")) == "cannot; use <[redacted]>"
    assert password not in repr(dsn)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:sec@ret@h/d",
        "postgresql://u:sec/ret@h/d",
        "postgresql://u:sec%zzret@h/d",
        "postgresql://u:secret@h:port/d",
        "postgresql://u:secret@h/d?secret=1",
        "postgresql://u:secret@[::1/d",
        "postgresql://u:secret@h/d?port=secret",
        "postgresql://u:secret\ud800@h/d",
    ],
    ids=ascii,
)
def test_what_libpq_would_misread_is_refused_without_quoting_it(dsn: str) -> None:
    """Half a password taken for a host or a port would be looked up, and stand in the error."""
    with pytest.raises(StartError, match=r"PROOF_DSN cannot be read: .*percent-encoded") as caught:
        Dsn(dsn)
    assert not {"sec", "ret", "secret"} & set(str(caught.value).replace("/", " ").replace("@", " ").split())


def test_what_the_dsn_says_wins_over_the_defaults() -> None:
    """Timeouts keep a dead network from hanging the ledger; who sets others gets them."""
    assert Dsn("postgresql://h/d").parameters()["connect_timeout"] == "10"
    assert Dsn("postgresql://h/d?connect_timeout=3").parameters()["connect_timeout"] == "3"
    assert Dsn("postgresql://a,b/d").parameters()["target_session_attrs"] == "read-write"


def test_a_wrong_password_is_one_line_without_it(house: PostgresHouse) -> None:
    """The start is refused by what the server says, and the password is not in it."""
    dsn = house.server.tcp_dsn(SERVICE, DATABASE, "wrong-password")
    with pytest.raises(StartError, match="password authentication failed") as caught:
        open_store(dsn, IDENTITY, unexpected)
    assert "wrong-password" not in str(caught.value)
    assert "PROOF_DSN" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line() -> None:
    """Nobody listens: the start says where, and shows no password."""
    with pytest.raises(StartError, match=r"127\.0\.0\.1.*refused") as caught:
        open_store(f"postgresql://u:topsecret@127.0.0.1:{free_port()}/d", IDENTITY, unexpected)
    assert "topsecret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_environment_and_pgpass_of_libpq_work(
    house: PostgresHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DSN that says nothing takes host, port, user and database from libpq's variables, the password from a file."""
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"127.0.0.1:{house.server.port}:*:{SERVICE}:{escaped}\n")
    passfile.chmod(0o600)
    for name, value in {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(house.server.port),
        "PGUSER": SERVICE,
        "PGDATABASE": DATABASE,
        "PGPASSFILE": str(passfile),
        "PGCLIENTENCODING": "LATIN1",
    }.items():
        monkeypatch.setenv(name, value)
    store = open_store("postgresql://", IDENTITY, unexpected)
    assert append(store, draft("a", action="\U0001f525")).seq == 0
    store.close()


def test_a_missing_driver_names_the_extra() -> None:
    """Without psycopg a DSN of PostgreSQL is refused by the name of what to install."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from proof.errors import StartError\n"
        "from proof.store import open_store, LogIdentity\n"
        "try: open_store('postgresql://u:secret@h/d', LogIdentity('o', 'l'), print)\n"
        "except StartError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert "lumen-remediation[postgres]" in done.stdout
    assert "secret" not in done.stdout


def test_the_driver_is_loaded_for_postgresql_only() -> None:
    """A ledger in a file, and everything that proofd imports for it, does without psycopg."""
    code = "import sys, proof.run, proof.sqlite.store, cli.serve; print('psycopg' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


def test_key_and_checkpoint_have_a_place_by_default(tmp_path: Path) -> None:
    """A ledger on a server has no file to be beside: they are in the folder that is given."""
    dsn = "postgresql://u:secret@h/d"
    assert beside(place(dsn, tmp_path)) == (tmp_path / "postgresql.key", tmp_path / "checkpoint" / "postgresql.note")
    assert place("sqlite:////a/b.db", tmp_path) == Path("/a/b.db")
