"""The service's check of a database and the offline verifier's check of an export of it find the same first bad entry."""

# ruff: noqa: S608 - the statements are the tamperer's, made of literals in this file

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from proof.errors import BrokenChainError
from proof.exporting.importing import import_export
from proof.format.chain import StoredEntry, StoredPart
from proof.sqlite.verification import verify_file
from tests.proof.samples import IDENTITY, LOG
from tests.proof.verifier.building import KEY, Ledger, judge, small

COLUMNS = [("entry", "body"), ("entry", "leaf"), ("part", "salt"), ("part", "data")]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger in a file, opened by somebody who took its triggers off."""
    path = tmp_path / "proof.db"
    import_export(
        small().write(tmp_path / "source"), f"sqlite:///{path}", IDENTITY, [KEY.verifier], tmp_path / "proof.note"
    )
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name.decode()}")
        db.commit()
        yield db


def service_finds(tmp_path: Path) -> tuple[bool, int | None]:
    """Return whether the service's check fails, and its first bad seq."""
    try:
        verify_file(tmp_path / "proof.db", LOG)
    except BrokenChainError as error:
        return True, error.seq
    return False, None


def verifier_finds(db: sqlite3.Connection, folder: Path) -> tuple[bool, int | None]:
    """Return the same of the offline verifier, for an export of what the tables hold, made without a look at it."""
    ledger = Ledger(notes=dict(db.execute("SELECT size, note FROM checkpoint")))
    for seq, leaf, body in db.execute("SELECT seq, leaf, body FROM entry ORDER BY seq").fetchall():
        rows = db.execute("SELECT name, salt, data FROM part WHERE seq = ? ORDER BY name", (seq,))
        parts = tuple(StoredPart(name.decode(), salt, data) for name, salt, data in rows)
        ledger.entries.append(StoredEntry(seq, "", leaf, body, parts))
    found = judge(ledger.forge(folder))
    return found["exit"] == 1, found.get("first_bad_seq")


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[column for _, column in COLUMNS])
def test_both_find_the_same_entry_for_every_flipped_byte(
    database: sqlite3.Connection, tmp_path: Path, table: str, column: str
) -> None:
    """One bit flipped at every third byte of every row of a column: both fail, at the same entry."""
    rows = database.execute(f"SELECT rowid, seq, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
    assert rows
    for rowid, seq, content in rows:
        for place in range(0, len(content), 3):
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, rowid))
            database.commit()
            assert service_finds(tmp_path) == verifier_finds(database, tmp_path / "export") == (True, seq), place
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (content, rowid))
        database.commit()
    assert service_finds(tmp_path) == verifier_finds(database, tmp_path / "export") == (False, None)


@pytest.mark.parametrize("seq", range(3))
@pytest.mark.parametrize("tables", [("entry",), ("entry", "part")], ids=["entry", "entry and parts"])
def test_both_find_the_same_lost_tail(
    database: sqlite3.Connection, tmp_path: Path, seq: int, tables: tuple[str, ...]
) -> None:
    """Entries deleted from one on, with or without their parts: that one is missing."""
    for table in tables:
        database.execute(f"DELETE FROM {table} WHERE seq >= ?", (seq,))
    database.commit()
    assert service_finds(tmp_path) == verifier_finds(database, tmp_path / "export") == (True, seq)


@pytest.mark.parametrize("seq", [1, 2])
def test_both_find_the_same_lost_part(database: sqlite3.Connection, tmp_path: Path, seq: int) -> None:
    """A part whose row is gone, rather than erased, is missed at its entry."""
    database.execute("DELETE FROM part WHERE seq = ?", (seq,))
    database.commit()
    assert service_finds(tmp_path) == verifier_finds(database, tmp_path / "export") == (True, seq)


@pytest.mark.parametrize("seq", range(3))
def test_both_find_the_same_unrecorded_erasure(database: sqlite3.Connection, tmp_path: Path, seq: int) -> None:
    """A part that is gone without an entry that says so was destroyed: the entry that it belonged to is told."""
    gone = database.execute("UPDATE part SET salt = NULL, data = NULL WHERE seq = ? AND data IS NOT NULL", (seq,))
    database.commit()
    expected = (True, seq) if gone.rowcount else (False, None)
    assert service_finds(tmp_path) == verifier_finds(database, tmp_path / "export") == expected
