"""A ledger of the first version: its entries stay as they are, the tree is added, and it is signed from then on."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from proof.errors import StartError
from proof.format.chain import check_entry
from proof.format.checkpoint import open_checkpoint
from proof.format.entry import NO_KEY
from proof.signing.keyfile import read_keys
from proof.sqlite.verification import verify_file
from proof.store import beside
from tests.proof.format.trees import mth
from tests.proof.samples import LOG, ORIGIN, append, draft, open_ledger, signed_ledger

ENTRIES = 13


@pytest.fixture
def old(path: Path) -> Path:
    """Return a ledger in the layout of the first version, with entries that name no key."""
    store = open_ledger(path)
    for number in range(ENTRIES):
        append(store, draft(f"key-{number}", action=number))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for table in ("node", "checkpoint"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version=1")
    return path


def rows(path: Path) -> list[tuple[object, ...]]:
    """Return entries, parts and head as they are stored."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [
            row
            for table in ("entry", "part", "head")
            for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608 - names of this file
        ]


def layout(path: Path) -> int:
    """Return the number of the layout."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_it_verifies_before_anything_is_changed(old: Path) -> None:
    """The check of a file takes the old layout as it is."""
    assert verify_file(old, LOG).head.height == ENTRIES
    assert layout(old) == 1


def test_it_goes_on(old: Path) -> None:
    """Entries, parts and head are the same rows; the first checkpoint is over them; new entries name the key."""
    before = rows(old)
    with signed_ledger(old) as ledger:
        assert ledger.store.failure is None
        assert rows(old) == before
        assert layout(old) == 2
        raw = beside(old)[1].read_bytes()
        tree = open_checkpoint(raw, ORIGIN, read_keys(beside(old)[0], ORIGIN).verifiers).tree
        leaves = [entry.leaf for entry in ledger.store.entries(0, 100)]
        assert (tree.size, tree.root) == (ENTRIES, mth(leaves))
        assert append(ledger.store, draft("key-3", action=3)).duplicate
        append(ledger.store, draft("new"))
        keys = [check_entry(entry, LOG).key for entry in ledger.store.entries(0, 100)]
        assert keys == [NO_KEY] * ENTRIES + [ledger.notary.ring.newest.verifier.id]
        assert ledger.store.verify().ok
    with signed_ledger(old) as ledger:
        assert ledger.store.head.height == ENTRIES + 1


def test_a_copy_from_before_is_frozen(old: Path) -> None:
    """Once it was signed, a copy in the old layout that is shorter does not begin anew."""
    with contextlib.closing(sqlite3.connect(old)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = old.with_name("copy.db")
    shutil.copy(old, copy)
    with signed_ledger(old) as ledger:
        append(ledger.store, draft("new"))
    shutil.copy(copy, old)
    with signed_ledger(old) as ledger:
        assert f"has {ENTRIES} entries" in (ledger.store.failure or "")


def test_a_broken_one_is_left_as_it_is(old: Path) -> None:
    """A ledger that does not verify is not converted."""
    with contextlib.closing(sqlite3.connect(old)) as db, db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 4")
    before = old.read_bytes()
    with pytest.raises(StartError, match="first bad seq 4"), signed_ledger(old):
        pass
    assert old.read_bytes() == before


@pytest.mark.parametrize("count", [0, 1, 2])
def test_small_ones_too(path: Path, count: int) -> None:
    """None, one and two entries have no nodes, or one."""
    store = open_ledger(path)
    for number in range(count):
        append(store, draft(f"k{number}"))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE node")
        db.execute("DROP TABLE checkpoint")
        db.execute("PRAGMA user_version=1")
    with signed_ledger(path) as ledger:
        assert ledger.store.verify().ok
        assert ledger.store.seal().size == count
