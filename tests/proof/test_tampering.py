"""Every change to the file of a ledger is found, at the right entry, by the check that precedes every start."""

# ruff: noqa: S608 - the statements are the tamperer's, made of literals in this file

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proof.chain import Head
from proof.errors import BrokenChainError, StartError
from proof.sqlite_reader import read_entries, verify_file
from proof.sqlite_schema import connect_reader
from tests.proof.samples import LOG, append, draft, open_ledger

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = 4


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the closed file of a small, sound ledger; entry 2 has no parts, the others have two each."""
    path = tmp_path_factory.mktemp("original") / "proof.db"
    store = open_ledger(path)
    for seq in range(ENTRIES):
        parts: dict[str, Any] = {} if seq == 2 else {"action": {"n": seq}, "approval": ["alice@example.com", 0.5]}
        store.append(draft(f"key-{seq}", **parts)).result(30)
    store.close()
    return path


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """Return a copy of it that may be damaged."""
    path = tmp_path / "copy.db"
    shutil.copy(original, path)
    return path


def first_bad(path: Path) -> tuple[int | None, str]:
    """Return seq and code of the refusal of the ledger in ``path``."""
    with pytest.raises(BrokenChainError) as caught:
        verify_file(path, LOG)
    return caught.value.seq, caught.value.code


def change(path: Path, *statements: str) -> None:
    """Run SQL as somebody who drops the triggers first."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)


def bodies(path: Path) -> list[bytes]:
    """Return the stored bodies in order."""
    with contextlib.closing(connect_reader(path)) as db:
        return [entry.body for entry in read_entries(db)]


@pytest.mark.parametrize("seq", range(ENTRIES))
def test_every_flipped_byte_of_a_body_in_the_file_is_found(copy: Path, seq: int) -> None:
    """One bit flipped anywhere in the bytes of an entry on disk makes that entry the first bad one."""
    assert verify_file(copy, LOG).head.height == ENTRIES
    body = bodies(copy)[seq]
    content = copy.read_bytes()
    start = content.index(body)
    assert content.count(body) == 1
    with copy.open("r+b", buffering=0) as file:
        for position in range(start, start + len(body)):
            file.seek(position)
            file.write(bytes([content[position] ^ 1]))
            assert first_bad(copy) == (seq, "leaf"), position
            file.seek(position)
            file.write(content[position : position + 1])
    assert verify_file(copy, LOG).head.height == ENTRIES


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flip_anywhere_in_the_file_is_found_or_harmless(original: Path, copy: Path, data: st.DataObject) -> None:
    """Any byte of the file changed in any way: either verification fails, or all content is still the original."""
    content = bytearray(original.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    for suffix in ("-wal", "-shm"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    copy.write_bytes(content)
    try:
        head = verify_file(copy, LOG).head
    except BrokenChainError:
        return
    assert head == verify_file(original, LOG).head
    assert bodies(copy) == bodies(original)


@pytest.mark.parametrize("seq", range(ENTRIES))
@pytest.mark.parametrize(("column", "code"), [("leaf", "leaf"), ("body", "leaf"), ("idem", "idem"), ("seq", "missing")])
def test_every_changed_column_of_an_entry_is_found(copy: Path, seq: int, column: str, code: str) -> None:
    """A changed copy beside the body is as bad as a changed body."""
    values = {"leaf": "zeroblob(32)", "body": "CAST('{}' AS BLOB)", "idem": "'other'", "seq": "seq + 100"}
    change(copy, f"UPDATE entry SET {column} = {values[column]} WHERE seq = {seq}")
    assert first_bad(copy) == (seq, code)


@pytest.mark.parametrize("seq", [0, 1, 3])
@pytest.mark.parametrize(
    "assignment",
    [
        "data = CAST('{\"n\":9}' AS BLOB)",
        "data = x''",
        "salt = zeroblob(32)",
        "salt = x''",
        "salt = NULL",
        "data = NULL",
        "name = 'other'",
        "seq = 2",
        "seq = 77",
        "seq = -1",
    ],
)
def test_every_changed_column_of_a_part_is_found(copy: Path, seq: int, assignment: str) -> None:
    """A part that does not fit its commitment, or moved to another entry, is found at the first entry that shows it."""
    change(copy, f"UPDATE part SET {assignment} WHERE seq = {seq} AND name = 'action'")
    assert first_bad(copy) == (min(seq, 2) if assignment == "seq = 2" else seq, "part")


@pytest.mark.parametrize("seq", range(ENTRIES))
def test_every_deleted_entry_is_found(copy: Path, seq: int) -> None:
    """A deleted row, the last one too, is the first bad seq, whether its parts went with it or not."""
    change(copy, f"DELETE FROM entry WHERE seq = {seq}")
    assert first_bad(copy) == (seq, "missing")
    change(copy, f"DELETE FROM part WHERE seq = {seq}")
    assert first_bad(copy) == (seq, "missing")


@pytest.mark.parametrize("kept", range(ENTRIES))
def test_a_cut_tail_is_found(copy: Path, kept: int) -> None:
    """All entries from one on deleted: that one is missing."""
    change(copy, f"DELETE FROM entry WHERE seq >= {kept}", f"DELETE FROM part WHERE seq >= {kept}")
    assert first_bad(copy) == (kept, "missing")


@pytest.mark.parametrize("seq", [0, 1, 3])
@pytest.mark.parametrize("name", ["action", "approval"])
def test_every_deleted_part_is_found(copy: Path, seq: int, name: str) -> None:
    """A part that is gone, rather than erased, is found at its entry."""
    change(copy, f"DELETE FROM part WHERE seq = {seq} AND name = '{name}'")
    assert first_bad(copy) == (seq, "part")


def test_parts_that_outlive_a_hidden_cut_are_found(copy: Path) -> None:
    """A tail cut together with the stated head is betrayed by the parts left behind."""
    leaf = "(SELECT lower(hex(leaf)) FROM entry WHERE seq = 1)"
    size = "(SELECT sum(length(body)) FROM entry) + (SELECT sum(length(data)) FROM part WHERE seq < 2)"
    change(copy, "DELETE FROM entry WHERE seq > 1", f"UPDATE head SET height = 2, leaf = {leaf}, size = {size}")
    assert first_bad(copy) == (2, "missing")


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
    ],
)
def test_the_stated_head_must_be_true(copy: Path, statement: str, expected: tuple[int | None, str]) -> None:
    """A head row that is gone or wrong, and parts without an entry, are found."""
    change(copy, statement)
    assert first_bad(copy) == expected


def test_entries_beyond_the_stated_head_are_found(copy: Path) -> None:
    """A head set back to an earlier, true head does not hide the entries after it."""
    change(copy, "UPDATE head SET height = 3, leaf = (SELECT lower(hex(leaf)) FROM entry WHERE seq = 2)")
    assert first_bad(copy) == (3, "head")


def test_an_unreadable_page_is_found_at_its_first_entry(path: Path) -> None:
    """Where SQLite itself cannot read on, the first bad seq is the first entry that cannot be read."""
    store = open_ledger(path)
    for seq in range(60):
        append(store, draft(f"key-{seq}"))
    store.close()
    content = path.read_bytes()
    page_of = {seq: content.index(body) // 4096 for seq, body in enumerate(bodies(path))}
    page = page_of[30]
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\x00")  # no such type of page
    assert first_bad(path) == (min(seq for seq in page_of if page_of[seq] == page), "database")


def test_a_deleted_index_entry_is_found(copy: Path) -> None:
    """A key that can no longer be looked up would be appended twice: the index is checked as well."""
    change(copy)
    with contextlib.closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ' UNIQUE', '') WHERE name = 'entry'")
        db.execute("DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_entry_1'")
        db.commit()
    assert first_bad(copy)[1] == "database"


def test_a_ledger_that_does_not_verify_does_not_start(copy: Path) -> None:
    """The start is refused in one line with the seq, the reason and what to do; the file keeps its content."""
    change(copy, "UPDATE entry SET body = CAST('{}' AS BLOB) WHERE seq = 2")
    before = copy.read_bytes()
    with pytest.raises(StartError) as caught:
        open_ledger(copy)
    message = str(caught.value)
    assert "first bad seq 2: leaf: " in message
    assert "restore the last good backup" in message
    assert "\n" not in message
    assert copy.read_bytes() == before


def test_a_sound_copy_starts(copy: Path) -> None:
    """The tests above fail for what they changed, not for being a copy."""
    store = open_ledger(copy)
    assert store.head == Head(ENTRIES, store.head.leaf, store.head.size)
    store.close()
