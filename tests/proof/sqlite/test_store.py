"""The SQLite store: its own way to write over a row, which other databases do not have."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from proof.store import LedgerStore
from tests.proof.samples import append, draft


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO entry SELECT seq, idem, x'00', body FROM entry",
        "REPLACE INTO entry VALUES (5, 'a', x'00', x'00')",
        "REPLACE INTO part SELECT seq, name, NULL, NULL FROM part",
    ],
)
def test_replacing_is_refused(path: Path, ledger: LedgerStore, statement: str) -> None:
    """A statement typed into the database by mistake changes nothing."""
    append(ledger, draft("a", x=1))
    with contextlib.closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    assert ledger.verify().ok
