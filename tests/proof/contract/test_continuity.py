"""Every store: a ledger that does not go on from what was signed opens, signs nothing, and says why."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from proof.errors import UnavailableError
from proof.ledger import Ledger
from proof.store import beside
from tests.proof.samples import append, draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proof.contract.houses import House


def fill(house: House, first: int, count: int, sign: int = 1) -> None:
    """Append ``count`` entries to the ledger, signed, and close it; ``sign`` makes other ones of them."""
    with house.signed() as ledger:
        for number in range(first, first + count):
            append(ledger.store, draft(f"key-{number}", action=sign * number))


@contextlib.contextmanager
def frozen(house: House) -> Iterator[Ledger]:
    """Yield the ledger after seeing that it opened, takes nothing, changes nothing, and can be read."""
    note = beside(house.path)[1]
    before = (note.read_bytes() if note.exists() else None), house.rows("SELECT * FROM entry ORDER BY seq")
    with house.signed() as ledger:
        assert ledger.store.failure
        with pytest.raises(UnavailableError, match="frozen"):
            ledger.store.append(draft("new"))
        assert ledger.verifier.ok is False
        assert ledger.store.entries(0, 1) or ledger.store.head.height == 0
        yield ledger
    assert ((note.read_bytes() if note.exists() else None), house.rows("SELECT * FROM entry ORDER BY seq")) == before


def test_an_older_copy_is_frozen(house: House) -> None:
    """A backup put back in the place of a newer ledger starts read-only, names both sizes, and shows what was signed."""
    fill(house, 0, 3)
    old = house.copy()
    fill(house, 3, 2)
    house.put_back(old)
    for _ in range(2):
        with frozen(house) as ledger:
            assert "has 3 entries" in (ledger.store.failure or "")
            assert "was signed over 5" in (ledger.store.failure or "")
            assert ledger.notary.published is not None
            assert ledger.notary.published.tree.size == 5


def test_the_newest_copy_goes_on(house: House) -> None:
    """A copy of the newest state is as good as the ledger itself."""
    fill(house, 0, 3)
    house.put_back(house.copy())
    fill(house, 3, 2)
    with house.signed() as ledger:
        assert (ledger.store.failure, ledger.store.head.height) == (None, 5)
        assert ledger.verifier.verify(full=True).ok


def test_a_fork_is_frozen(house: House) -> None:
    """A copy that went on by itself elsewhere, further than the ledger, has another history."""
    key, note = beside(house.path)
    fill(house, 0, 3)
    origin, signed = house.copy(), note.read_bytes()
    fill(house, 3, 4, sign=-1)
    fork = house.copy()
    house.put_back(origin)
    note.write_bytes(signed)
    fill(house, 3, 2)
    house.put_back(fork)
    with frozen(house) as ledger:
        assert "the first 5 entries" in (ledger.store.failure or "")
        assert "its history is another one" in (ledger.store.failure or "")
    assert key.exists()


def test_a_rewritten_history_is_frozen(house: House) -> None:
    """Whoever can write to the database makes every hash anew, but cannot sign: the next start sees it."""
    with house.opened() as store:
        for number in range(6):
            append(store, draft(f"key-{number}", action=-number))
    rewritten = house.copy()
    house.empty()
    fill(house, 0, 4)
    house.put_back(rewritten)
    with frozen(house) as ledger:
        assert "its history is another one" in (ledger.store.failure or "")


def test_an_emptied_ledger_is_frozen(house: House) -> None:
    """A ledger that is gone is not begun anew under the same checkpoint."""
    fill(house, 0, 2)
    house.empty()
    with frozen(house) as ledger:
        assert "has 0 entries" in (ledger.store.failure or "")


def test_a_lost_checkpoint_is_frozen_and_comes_back(house: House) -> None:
    """Without the last checkpoint nobody knows whether this copy is the newest; any later one of it, put back, will do."""
    fill(house, 0, 3)
    note = beside(house.path)[1]
    kept = note.read_bytes()
    fill(house, 3, 1)
    note.unlink()
    with frozen(house) as ledger:
        assert "is not in its place" in (ledger.store.failure or "")
        assert ledger.notary.published is None
    note.write_bytes(kept)
    with house.signed() as ledger:
        assert ledger.store.failure is None
        assert append(ledger.store, draft("more")).seq == 4


def test_what_was_committed_and_not_signed_is_signed_by_the_next_start(house: House) -> None:
    """A crash between commit and signature leaves a ledger that extends the last signed checkpoint: it goes on from there."""
    fill(house, 0, 2)
    with house.opened() as store:
        for number in range(2, 5):
            append(store, draft(f"key-{number}", action=number))
    with house.signed() as ledger:
        assert ledger.store.failure is None
        assert ledger.notary.published is not None
        assert ledger.notary.published.tree == ledger.store.seal()
        assert ledger.store.seal().size == 5


def test_a_changed_checkpoint_stops_the_signing(house: House) -> None:
    """The last signed checkpoint is replaced by compare-and-swap: what somebody else put there is not written over."""
    note = beside(house.path)[1]
    with house.signed() as ledger:
        append(ledger.store, draft("a"))
        ledger.notary.covering(1, 30)
        note.write_bytes(b"theirs")
        append(ledger.store, draft("b"))
        with pytest.raises(UnavailableError, match="somebody else changed the last signed checkpoint"):
            ledger.notary.covering(2, 30)
        assert ledger.store.failure
        assert note.read_bytes() == b"theirs"
