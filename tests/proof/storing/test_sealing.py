"""What is signed is what was read back: a bit that turns on its way to the disk is found before the signature."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from proof.errors import BrokenChainError, StartError, UnavailableError
from proof.format.entry import leaf_hash
from proof.format.merkle import Frontier, TreeHead
from proof.storing import sequenced_store
from proof.storing.appending import sealed
from tests.proof.format.trees import mth
from tests.proof.samples import append, draft, open_ledger, signed_ledger

BODIES = [b"one", b"two", b"three"]


def grown(bodies: list[bytes]) -> Frontier:
    """Return a tree over these bodies."""
    frontier = Frontier()
    for body in bodies:
        frontier.add(leaf_hash(body))
    return frontier


def test_what_comes_back_is_sealed() -> None:
    """The head is that of the bytes that were read back."""
    assert sealed(Frontier(), BODIES, grown(BODIES)).head() == TreeHead(3, mth([leaf_hash(body) for body in BODIES]))
    half = grown(BODIES[:1])
    assert sealed(half, BODIES[1:], grown(BODIES)).size == 3
    assert half.size == 1


@pytest.mark.parametrize("back", [[b"one", b"twO", b"three"], BODIES[:2], [*BODIES, b"four"], [], BODIES[::-1]])
def test_what_comes_back_otherwise_is_not(back: list[bytes]) -> None:
    """A turned bit, an entry too few or too many, another order."""
    with pytest.raises(BrokenChainError, match="read back"):
        sealed(Frontier(), back, grown(BODIES))


def turn_bits(path: Path) -> None:
    """Stand for a bad disk: every new entry is stored otherwise than it was made."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute(
            "CREATE TRIGGER bad_disk AFTER INSERT ON entry BEGIN UPDATE entry "
            "SET body = CAST(replace(body, '\"v\":1', '\"v\":3') AS BLOB) WHERE seq = NEW.seq; END"
        )


def test_a_bit_that_turns_in_the_database_is_never_signed(path: Path) -> None:
    """An entry that is stored otherwise than it was made freezes the ledger before it is signed; the next start refuses."""
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
        before = ledger.notary.covering(1, 30)
        turn_bits(path)
        append(ledger.store, draft("b"))
        with pytest.raises(UnavailableError, match="read back"):
            ledger.notary.covering(2, 30)
        assert "read back" in str(ledger.store.failure)
        assert ledger.notary.published == before
        assert isinstance(ledger.store.append_now([draft("c")])[0], UnavailableError)
    assert path.with_name("checkpoint").joinpath("proof.db.note").read_bytes() == before.note
    with pytest.raises(StartError, match="first bad seq 1"):
        open_ledger(path)


def test_what_cannot_be_sealed_stays_unsealed(path: Path) -> None:
    """Asking again does not help, and neither do good entries after the bad one."""
    with contextlib.closing(open_ledger(path)) as store:
        turn_bits(path)
        append(store, draft("a"))
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("DROP TRIGGER bad_disk")
        append(store, draft("b"))
        for _ in range(2):
            with pytest.raises(BrokenChainError, match="read back") as caught:
                store.seal()
            assert caught.value.seq == 0


def test_much_is_read_back_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long nobody asked: every entry is read back once, and the tree is over all of them."""
    monkeypatch.setattr(sequenced_store, "_READ_BACK", 7)
    with contextlib.closing(open_ledger(path)) as store:
        for count in (1, 7, 8, 30):
            first = store.head.height
            store.append_now([draft(f"{first + number}") for number in range(count)])
            leaves = [entry.leaf for entry in store.entries(0, 1000)]
            assert store.seal() == TreeHead(first + count, mth(leaves))
