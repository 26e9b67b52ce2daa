"""Every change to the file of a ledger is found, at the right entry, by the check that precedes every start."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proof.errors import BrokenChainError
from proof.format.chain import Head
from proof.sqlite.reader import read_entries
from proof.sqlite.schema import connect_reader
from proof.sqlite.verification import verify_file
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


def test_a_sound_copy_starts(copy: Path) -> None:
    """The tests above fail for what they changed, not for being a copy."""
    store = open_ledger(copy)
    assert store.head == Head(ENTRIES, store.head.leaf, store.head.size)
    store.close()
