"""What is signed is what was read back: a bit that turns on its way to the disk is found before the signature."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from proof.errors import BrokenChainError, StartError, UnavailableError
from proof.format.entry import leaf_hash
from proof.format.merkle import Frontier, TreeHead
from proof.store import open_store
from proof.storing.appending import seal
from tests.proof.format.trees import mth
from tests.proof.samples import IDENTITY, append, draft, open_ledger

BODIES = [b"one", b"two", b"three"]


def grown(bodies: list[bytes]) -> Frontier:
    """Return a tree over these bodies."""
    frontier = Frontier()
    for body in bodies:
        frontier.add(leaf_hash(body))
    return frontier


def test_what_comes_back_is_sealed() -> None:
    """The head is that of the bytes that were read back."""
    assert seal(Frontier(), BODIES, grown(BODIES)) == TreeHead(3, mth([leaf_hash(body) for body in BODIES]))
    half = grown(BODIES[:1])
    assert seal(half, BODIES[1:], grown(BODIES)).size == 3


@pytest.mark.parametrize("back", [[b"one", b"twO", b"three"], BODIES[:2], [*BODIES, b"four"], [], BODIES[::-1]])
def test_what_comes_back_otherwise_is_not(back: list[bytes]) -> None:
    """A turned bit, an entry too few or too many, another order."""
    with pytest.raises(BrokenChainError, match="read back"):
        seal(Frontier(), back, grown(BODIES))


def test_a_bit_that_turns_in_the_database_stops_the_process(path: Path) -> None:
    """An entry that is stored otherwise than it was made is neither acknowledged nor signed, and the next start refuses."""
    errors: list[BaseException] = []
    store = open_store(f"sqlite:///{path}", IDENTITY, errors.append)
    append(store, draft("a"))
    tree = store.tree
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        # It stands for the disk: it turns the last byte of every new entry.
        db.execute("DROP TRIGGER entry_stays")
        db.execute(
            "CREATE TRIGGER bad_disk AFTER INSERT ON entry BEGIN UPDATE entry "
            "SET body = CAST(replace(body, '\"v\":1', '\"v\":3') AS BLOB) WHERE seq = NEW.seq; END"
        )
    with pytest.raises(UnavailableError):
        append(store, draft("b"))
    assert "read back" in str(errors[0])
    assert store.tree == tree
    store.close()
    with pytest.raises(StartError, match="first bad seq 1"):
        open_ledger(path)
