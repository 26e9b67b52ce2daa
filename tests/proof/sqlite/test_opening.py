"""Which files open as a ledger, for whom, and which are refused untouched."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proof.errors import StartError
from proof.sqlite.schema import connect_writer
from proof.store import LedgerStore, sqlite_path
from tests.proof.samples import IDENTITY, append, draft, open_ledger

if TYPE_CHECKING:
    pass


def test_the_file_is_private(path: Path, ledger: LedgerStore) -> None:
    """Nobody but the owner reads the ledger or its write-ahead log."""
    append(ledger, draft("a"))
    names = [path, path.with_name("proof.db-wal"), path.with_name("proof.db.lock")]
    assert [stat.S_IMODE(name.stat().st_mode) for name in names] == [0o600] * 3


def test_the_writer_waits_for_the_disk(path: Path) -> None:
    """The settings on which durability rests: a write-ahead log, synced at every commit; erased content is overwritten."""
    with contextlib.closing(connect_writer(path, IDENTITY)) as db:
        found = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        assert found == {"journal_mode": "wal", "synchronous": 2}
        assert db.execute("PRAGMA secure_delete").fetchone()[0] == 1


def test_a_second_opening_is_refused(path: Path, ledger: LedgerStore) -> None:
    """A ledger that is open cannot be opened again, not even by way of a symbolic link."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(StartError, match=rf"open in another proofd \(process {os.getpid()}\)"):
            open_ledger(name)


@pytest.mark.parametrize("content", [b"not a database, but as long as the header of one" * 30, b"x", b""])
def test_a_file_that_is_no_ledger_is_refused_untouched(path: Path, content: bytes) -> None:
    """A wrong, cut or emptied file is refused in one line and left as it is: only an absent file makes a new ledger."""
    path.write_bytes(content)
    with pytest.raises(StartError, match=r"cannot be opened|not a Lumen ledger"):
        open_ledger(path)
    assert path.read_bytes() == content


def test_a_log_without_its_ledger_is_refused(path: Path) -> None:
    """A write-ahead log left beside a missing file is not replayed into a new ledger."""
    path.with_name("proof.db-wal").write_bytes(b"x")
    with pytest.raises(StartError, match="write-ahead log"):
        open_ledger(path)


def test_an_interrupted_creation_is_no_obstacle(path: Path) -> None:
    """What a start left behind when it was killed while making a new ledger is replaced."""
    path.with_name("proof.db.new").write_bytes(b"half")
    open_ledger(path).close()
    assert not path.with_name("proof.db.new").exists()


def test_a_foreign_database_is_refused_untouched(path: Path) -> None:
    """A database of somebody else is not turned into a ledger."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
    before = path.read_bytes()
    with pytest.raises(StartError, match="not a Lumen ledger"):
        open_ledger(path)
    assert path.read_bytes() == before


def test_a_later_layout_is_refused(path: Path) -> None:
    """A ledger written by a later program is not touched."""
    open_ledger(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=3")
    with pytest.raises(StartError, match="layout 3"):
        open_ledger(path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A mistyped path does not make a new, empty ledger."""
    with pytest.raises(StartError, match="does not exist"):
        open_ledger(tmp_path / "typo" / "proof.db")


@pytest.mark.parametrize("dsn", ["sqlite:////a/b.db", "sqlite:///b.db"])
def test_a_dsn_names_a_file(dsn: str) -> None:
    """Four slashes are absolute, three relative."""
    assert sqlite_path(dsn) == Path(dsn[10:])


@pytest.mark.parametrize(
    "dsn", ["", "proof.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:////", "postgresql://u:secret@h/d"]
)
def test_other_dsns_are_refused_without_quoting_them(dsn: str) -> None:
    """What is not a file of SQLite is refused, and a password in it is not repeated."""
    with pytest.raises(StartError, match="PROOF_DSN") as caught:
        sqlite_path(dsn)
    assert "secret" not in str(caught.value)
