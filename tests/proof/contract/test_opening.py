"""Every store: who may open a ledger, and what is left when it is closed."""

# ruff: noqa: S608 - the statements are made of literals of this file

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof.errors import StartError, UnavailableError
from proof.format.entry import log_id
from proof.store import LedgerStore, LogIdentity
from tests.proof.samples import append, draft

if TYPE_CHECKING:
    from tests.proof.contract.houses import House


def test_a_second_opening_is_refused(house: House, ledger: LedgerStore) -> None:
    """A ledger that is open cannot be opened again, and the one that has it goes on."""
    with pytest.raises(StartError, match="open in another proofd"):
        house.open()
    assert append(ledger, draft("a")).seq == 0


def test_closing_releases_everything(house: House) -> None:
    """After closing, also twice, appends are refused and the ledger opens again with what it had."""
    store = house.open()
    head = (append(store, draft("a")), store.head)[1]
    tree = store.seal()
    store.close()
    store.close()
    with pytest.raises(UnavailableError):
        store.append(draft("b"))
    with pytest.raises(UnavailableError):
        store.entry(0)
    with house.opened() as again:
        assert (again.head, again.seal()) == (head, tree)


def test_closing_finishes_what_waits(house: House) -> None:
    """Everything that was accepted before the close is committed and answered."""
    store = house.open()
    futures = [store.append(draft(f"k{number}")) for number in range(300)]
    store.close()
    assert [future.result(0).seq for future in futures] == list(range(300))
    with house.opened() as again:
        assert again.head.height == 300


@pytest.mark.parametrize(("origin", "salt"), [("example.com/other", b"pepper"), ("example.com/ledger", b"salt")])
def test_another_origin_or_salt_is_another_log(house: House, origin: str, salt: bytes) -> None:
    """A ledger opens only under the names it was made with, even while it is empty; the salt is not shown."""
    house.open().close()
    with pytest.raises(StartError, match="belongs to another log") as caught:
        house.open(LogIdentity(origin, log_id(origin, salt)))
    assert "pepper" not in str(caught.value)
    house.open().close()


def test_a_ledger_that_does_not_verify_does_not_start(house: House) -> None:
    """The start is refused in one line with the seq, the reason and what to do; what is stored stays as it is."""
    with house.opened() as store:
        for number in range(4):
            append(store, draft(f"key-{number}", action=number))
    house.change("UPDATE entry SET body = $braces WHERE seq = 2")
    before = house.rows("SELECT * FROM entry ORDER BY seq")
    for _ in range(2):
        with pytest.raises(StartError) as caught:
            house.open()
        message = str(caught.value)
        assert "first bad seq 2: leaf: " in message
        assert "restore the last good backup" in message
        assert "\n" not in message
    assert house.rows("SELECT * FROM entry ORDER BY seq") == before


@pytest.mark.parametrize("table", ["entry", "part", "node", "head"])
def test_an_emptied_table_is_not_a_new_ledger(house: House, table: str) -> None:
    """A table that lost all its rows is damage, not a beginning."""
    with house.opened() as store:
        for number in range(4):
            append(store, draft(f"key-{number}", action=number))
    house.change(f"DELETE FROM {table}")
    with pytest.raises(StartError, match="does not verify"):
        house.open()
