"""Every store: the check of what is new reads little and sees what it should; the check of everything sees the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof.store import LedgerStore, Verification
from tests.proof.samples import append, draft

if TYPE_CHECKING:
    from tests.proof.contract.houses import House


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE entry SET leaf = $zero WHERE seq = 5", "leaf"),
        ("UPDATE entry SET leaf = $zero WHERE seq = 4", "leaf"),
        ("UPDATE entry SET idem = 'x' WHERE seq = 6", "idem"),
        ("UPDATE part SET data = $null WHERE seq = 6", "part"),
        ("UPDATE node SET hash = $zero WHERE level = 3", "node"),
        ("UPDATE node SET hash = $zero WHERE level = 1 AND place = 0", "whole"),
        ("DELETE FROM node WHERE level = 1 AND place = 3", "node"),
        ("DELETE FROM node WHERE level = 2 AND place = 0", "node"),
        ("INSERT INTO node VALUES (9, 9, $zero)", "whole"),
        ("DELETE FROM entry WHERE seq = 7", "missing"),
        ("UPDATE head SET height = 7", "head"),
        ("UPDATE head SET size = size + 1", "head"),
        ("INSERT INTO checkpoint VALUES (6, $null)", "checkpoint"),
        ("INSERT INTO checkpoint VALUES (3, $null)", "whole"),
        ("UPDATE entry SET body = $null WHERE seq = 0", "whole"),
    ],
)
def test_what_a_check_of_the_new_sees(house: House, ledger: LedgerStore, statement: str, code: str) -> None:
    """The check of the new finds damage to new entries, their nodes and what it went on from; the whole finds the rest."""
    for number in range(5):
        append(ledger, draft(f"k{number}", action=number))
    assert ledger.verify(full=False) == Verification(ok=True, height=5)
    for number in range(5, 8):
        append(ledger, draft(f"k{number}", action=number))
    house.change(statement)
    found = ledger.verify(full=False)
    assert found.ok is (code == "whole")
    assert (found.reason or "whole").startswith(code)
    assert not ledger.verify(full=True).ok


def test_the_check_of_the_new_takes_little(house: House, ledger: LedgerStore) -> None:
    """It reads what is new, not the whole: entries before it may be unreadable without it knowing."""
    for number in range(20):
        append(ledger, draft(f"k{number}"))
    assert ledger.verify(full=False).ok
    house.change("UPDATE entry SET body = $null WHERE seq < 10")
    append(ledger, draft("new"))
    assert ledger.verify(full=False) == Verification(ok=True, height=21)
    assert ledger.verify(full=True).first_bad_seq == 0


def test_a_check_does_not_stop_the_writer(ledger: LedgerStore) -> None:
    """Entries that come while a check runs are no damage to it."""
    for number in range(200):
        append(ledger, draft(f"old-{number}"))
    futures = [ledger.append(draft(f"new-{number}")) for number in range(300)]
    results = [ledger.verify(full=full) for full in (True, False, True)]
    assert all(result.ok for result in results)
    assert [future.result(30).seq for future in futures] == list(range(200, 500))
    assert ledger.verify() == Verification(ok=True, height=500)
