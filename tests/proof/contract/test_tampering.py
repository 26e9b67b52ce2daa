"""Every store: whatever is changed by SQL is found, at the right entry, by the check that precedes every start."""

# ruff: noqa: S608 - the statements are made of literals of this file

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from proof.errors import StartError
from proof.format.chain import Head
from tests.proof.samples import append, draft

if TYPE_CHECKING:
    from proof.store import LedgerStore
    from tests.proof.contract.houses import House

ENTRIES = 4


@pytest.fixture
def filled(ledger: LedgerStore) -> LedgerStore:
    """Return a small, sound ledger; entry 2 has no parts, the others have two each."""
    for seq in range(ENTRIES):
        parts: dict[str, Any] = {} if seq == 2 else {"action": {"n": seq}, "approval": ["alice@example.com", 0.5]}
        append(ledger, draft(f"key-{seq}", **parts))
    return ledger


def first_bad(store: LedgerStore) -> tuple[int | None, str]:
    """Return seq and code of what a check of everything says."""
    found = store.verify()
    assert not found.ok
    return found.first_bad_seq, (found.reason or "").partition(":")[0]


@pytest.mark.parametrize("seq", range(ENTRIES))
@pytest.mark.parametrize(("column", "code"), [("leaf", "leaf"), ("body", "leaf"), ("idem", "idem"), ("seq", "missing")])
def test_every_changed_column_of_an_entry_is_found(
    house: House, filled: LedgerStore, seq: int, column: str, code: str
) -> None:
    """A changed copy beside the body is as bad as a changed body."""
    values = {"leaf": "$zero", "body": "$braces", "idem": "'other'", "seq": "seq + 100"}
    house.change(f"UPDATE entry SET {column} = {values[column]} WHERE seq = {seq}")
    assert first_bad(filled) == (seq, code)


@pytest.mark.parametrize("seq", [0, 1, 3])
@pytest.mark.parametrize(
    "assignment",
    ["data = $braces", "data = $null", "salt = $zero", "salt = $null", "salt = NULL", "data = NULL",
     "name = 'other'", "seq = 2", "seq = 77", "seq = -1"],
)  # fmt: skip
def test_every_changed_column_of_a_part_is_found(house: House, filled: LedgerStore, seq: int, assignment: str) -> None:
    """A part that does not fit its commitment, or moved to another entry, is found at the first entry that shows it."""
    house.change(f"UPDATE part SET {assignment} WHERE seq = {seq} AND name = 'action'")
    assert first_bad(filled) == (min(seq, 2) if assignment == "seq = 2" else seq, "part")


@pytest.mark.parametrize("seq", range(ENTRIES))
def test_every_deleted_entry_is_found(house: House, filled: LedgerStore, seq: int) -> None:
    """A deleted row, the last one too, is the first bad seq, whether its parts went with it or not."""
    house.change(f"DELETE FROM entry WHERE seq = {seq}")
    assert first_bad(filled) == (seq, "missing")
    house.change(f"DELETE FROM part WHERE seq = {seq}")
    assert first_bad(filled) == (seq, "missing")


@pytest.mark.parametrize("kept", range(ENTRIES))
def test_a_cut_tail_is_found(house: House, filled: LedgerStore, kept: int) -> None:
    """All entries from one on deleted: that one is missing."""
    house.change(f"DELETE FROM entry WHERE seq >= {kept}", f"DELETE FROM part WHERE seq >= {kept}")
    assert first_bad(filled) == (kept, "missing")


@pytest.mark.parametrize("seq", [0, 1, 3])
@pytest.mark.parametrize("name", ["action", "approval"])
def test_every_deleted_part_is_found(house: House, filled: LedgerStore, seq: int, name: str) -> None:
    """A part that is gone, rather than erased, is found at its entry."""
    house.change(f"DELETE FROM part WHERE seq = {seq} AND name = '{name}'")
    assert first_bad(filled) == (seq, "part")


def cut(house: House, kept: int) -> None:
    """Cut the tail together with the stated head and its nodes, but leave the parts."""
    bodies = house.rows(f"SELECT leaf, length(body) FROM entry WHERE seq < {kept} ORDER BY seq")
    parts = house.rows(f"SELECT length(data) FROM part WHERE seq < {kept}")
    size = sum(length for _, length in bodies) + sum(length for (length,) in parts)
    house.change(
        f"DELETE FROM entry WHERE seq >= {kept}",
        f"DELETE FROM node WHERE (place + 1) * (1 << level) > {kept}",
        f"UPDATE head SET height = {kept}, leaf = '{bodies[-1][0].hex()}', size = {size}",
    )


def test_parts_that_outlive_a_hidden_cut_are_found(house: House, filled: LedgerStore) -> None:
    """A tail cut together with everything that states it is betrayed by the parts left behind."""
    filled.close()
    cut(house, 2)
    with pytest.raises(StartError, match="first bad seq 2: missing: the entry is not there, but a part of it is"):
        house.open()


def test_a_hidden_cut_is_found_by_who_remembers(house: House, filled: LedgerStore) -> None:
    """A prefix of a chain is a chain: only what was committed before shows that it was longer."""
    cut(house, 2)
    house.change("DELETE FROM part WHERE seq >= 2")
    assert first_bad(filled) == (2, "missing")
    filled.close()
    house.open().close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM head", (None, "head")),
        ("UPDATE head SET height = 3", (2, "head")),
        ("UPDATE head SET height = 9", (4, "missing")),
        ("UPDATE head SET height = -1", (None, "head")),
        ("UPDATE head SET leaf = 'x'", (3, "head")),
        ("UPDATE head SET size = size + 1", (None, "head")),
        ("INSERT INTO part VALUES (9, 'x', NULL, NULL)", (4, "missing")),
        ("INSERT INTO part VALUES (-1, 'x', NULL, NULL)", (4, "missing")),
        ("INSERT INTO part VALUES (2, 'x', NULL, NULL)", (2, "part")),
        ("INSERT INTO entry VALUES (-1, 'x', $zero, $braces)", (0, "seq")),
        ("INSERT INTO node VALUES (9, 9, $zero)", (None, "node")),
        ("UPDATE node SET hash = $zero WHERE level = 2", (3, "node")),
        ("DELETE FROM node WHERE level = 1 AND place = 1", (3, "node")),
        ("INSERT INTO checkpoint VALUES (3, $braces)", (None, "checkpoint")),
    ],
)
def test_what_stands_beside_the_entries_must_be_true(
    house: House, filled: LedgerStore, statement: str, expected: tuple[int | None, str]
) -> None:
    """A head, a node or a checkpoint that is gone or wrong, and parts without an entry, are found by the next start too."""
    house.change(statement)
    known = filled.verify()
    filled.close()
    with pytest.raises(StartError, match="does not verify") as caught:
        house.open()
    place = "no single entry is at fault" if expected[0] is None else f"first bad seq {expected[0]}"
    assert f": {place}: {expected[1]}: " in str(caught.value)
    assert (known.first_bad_seq, (known.reason or "").partition(":")[0]) == expected


def test_entries_beyond_the_stated_head_are_found(house: House, filled: LedgerStore) -> None:
    """A head set back to an earlier, true head does not hide the entries after it."""
    ((leaf,),) = house.rows("SELECT leaf FROM entry WHERE seq = 2")
    house.change(f"UPDATE head SET height = 3, leaf = '{leaf.hex()}'")
    assert not filled.verify().ok
    filled.close()
    with pytest.raises(StartError, match="first bad seq 3: head: "):
        house.open()


def test_an_older_state_under_a_running_ledger_is_found(house: House, ledger: LedgerStore) -> None:
    """Rows of before are a valid chain, but not the one that was acknowledged."""
    append(ledger, draft("a", x=1))
    copy = house.copy()
    append(ledger, draft("b", x=1))
    house.replace(copy)
    assert first_bad(ledger) == (1, "missing")


def test_what_was_not_changed_verifies(filled: LedgerStore) -> None:
    """The tests above fail for what they changed."""
    assert filled.verify().ok
    assert filled.head == Head(ENTRIES, filled.head.leaf, filled.head.size)
