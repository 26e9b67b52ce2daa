"""Reading and writing do not wait for each other, and damage to the database itself is told from a bad entry."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from proof.errors import BrokenChainError, StartError
from proof.postgres.dsn import Dsn
from proof.postgres.store import PostgresStore
from proof.postgres.verification import verify_database
from proof.store import LedgerStore, Verification, utc_now
from tests.proof.contract.houses import DATABASE
from tests.proof.samples import IDENTITY, LOG, append, draft, unexpected

if TYPE_CHECKING:
    from datetime import datetime

    from tests.proof.contract.houses import PostgresHouse

SECONDS = 60.0


def test_whoever_reads_does_not_hold_up_the_writer(house: PostgresHouse, ledger: LedgerStore) -> None:
    """A transaction that has read everything and stays open, as a dump does, keeps no entry out."""
    append(ledger, draft("a"))
    with house.service() as db, db.transaction():
        assert db.execute("SELECT * FROM entry, part, node, checkpoint, head").fetchall() == []
        assert db.execute("SELECT seq FROM entry").fetchall() == [(0,)]
        for number in range(20):
            append(ledger, draft(f"k{number}", x=number))
        assert ledger.verify() == Verification(ok=True, height=21)


def test_whoever_writes_does_not_hold_up_readers(house: PostgresHouse) -> None:
    """In the middle of a transaction everything that was committed before it can be read and verified."""
    inside, release = threading.Event(), threading.Event()
    release.set()

    def clock() -> datetime:
        inside.set()
        assert release.wait(SECONDS)
        return utc_now()

    store = PostgresStore.open(house.dsn, IDENTITY, unexpected, clock)
    first = append(store, draft("a", x=1))
    inside.clear()
    release.clear()
    waiting = store.append(draft("b"))
    assert inside.wait(SECONDS)
    try:
        assert store.head.leaf == first.leaf
        assert store.entry_by_idem("a") is not None
        assert store.entry(1) is None
        assert len(store.entries(0, 10)) == len(store.find("", 0, 10)) == 1
        assert store.verify() == Verification(ok=True, height=1)
        assert not waiting.done()
    finally:
        release.set()
    assert waiting.result(SECONDS).seq == 1
    store.close()


def test_an_unreadable_page_is_found_at_its_first_entry(house: PostgresHouse) -> None:
    """Where PostgreSQL itself cannot read on, the first bad seq is the first entry that cannot be read."""
    with house.opened() as store:
        futures = [store.append(draft(f"key-{number}")) for number in range(60)]
        assert futures[-1].result(SECONDS).seq == 59
    pages = dict(house.rows("SELECT seq, (ctid::text::point)[0]::int FROM entry"))
    page = pages[30]
    assert page > 0
    ((file,),) = house.rows("SELECT pg_relation_filepath('lumen_proof.entry')")
    house.server.stop()
    try:
        house.server.flip(file, page * 8192 + 5000)
    finally:
        house.server.start()
    with pytest.raises(BrokenChainError) as caught:
        verify_database(Dsn(house.dsn), LOG)
    assert (caught.value.seq, caught.value.code) == (min(seq for seq in pages if pages[seq] == page), "database")
    with pytest.raises(StartError, match=f"first bad seq {caught.value.seq}: database: .*invalid page"):
        house.open()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE entry DROP CONSTRAINT entry_idem_key", r"the table entry has lost its unique key \(idem\)"),
        ("ALTER TABLE node DROP CONSTRAINT node_pkey", r"the table node has lost its unique key \(level, place\)"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'entry_idem_key'::regclass",
            r"unique key \(idem\)",
        ),
        ("DROP TABLE checkpoint", "checkpoint"),
        ("ALTER TABLE part RENAME COLUMN salt TO pepper", "salt"),
        ("ALTER TABLE entry ALTER body TYPE text USING encode(body, 'escape')", "another type"),
    ],
)
def test_tables_that_are_not_what_they_were_do_not_start(house: PostgresHouse, statement: str, said: str) -> None:
    """Without its keys a table would take an entry twice: a start looks for them, and for every column."""
    with house.opened() as store:
        append(store, draft("a", x=1))
        append(store, draft("b", x=1))
        with house.server.admin(DATABASE) as db:
            db.execute("SET search_path = lumen_proof; SET allow_system_table_mods = on")
            db.execute(statement.encode())
        found = store.verify()
        assert not found.ok
    with pytest.raises(StartError, match=said) as caught:
        house.open()
    assert "\n" not in str(caught.value)
