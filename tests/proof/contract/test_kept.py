"""Every store: a kept checkpoint that was changed shows, by the check of everything and by those that run by themselves."""

# ruff: noqa: S608 - the statements are made of literals of this file

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.merkle import TreeHead, tree_head
from proof.format.note import SigningKey
from proof.ledger import Ledger
from proof.signing import kept as kept_module
from proof.signing.keyfile import add_key, drop_old_keys, read_keys
from proof.store import KeptCheckpoint, beside
from tests.proof.contract.houses import House
from tests.proof.samples import ORIGIN, append, draft

ENTRIES = 4
STRANGER = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x55" * 32))


@contextlib.contextmanager
def filled(house: House) -> Iterator[Ledger]:
    """Open a ledger whose every size has a kept checkpoint."""
    with house.signed() as ledger:
        ledger.publisher.close()
        keep_all(ledger, 0)
        yield ledger


def keep_all(ledger: Ledger, first: int) -> None:
    """Append entries, and keep the checkpoint over each."""
    for number in range(first, first + ENTRIES):
        append(ledger.store, draft(f"key-{number}", action=number))
        signed = ledger.notary.covering(number + 1, 30)
        ledger.store.keep(KeptCheckpoint(signed.tree.size, signed.note)).result(30)


def root(ledger: Ledger) -> bytes:
    """Return the root over two entries."""
    return tree_head(2, ledger.store.nodes).root


def replace(house: House, size: int, note: bytes) -> None:
    """Put another note in the place of a kept one."""
    house.change(f"UPDATE checkpoint SET note = {house.blob(note)} WHERE size = {size}")


def flipped(note: bytes, _: bytes) -> bytes:
    """One bit of the signature is another, in valid base64."""
    line = note.rstrip().rpartition(b" ")[2]
    return note.replace(line, line[:20] + (b"A" if line[20:21] != b"A" else b"B") + line[21:])


def test_a_damaged_rotation_is_found(house: House) -> None:
    """Not even the check that runs by itself takes a key from an entry that was changed after the start."""
    key_file, _ = beside(house.path)
    with house.signed() as ledger:
        append(ledger.store, draft("a"))
    add_key(key_file, ORIGIN, "")
    with house.signed() as ledger:
        append(ledger.store, draft("b"))
        assert ledger.store.verify(full=False).ok
        house.change("UPDATE entry SET body = $braces WHERE seq = 1")
        found = ledger.verifier.verify(full=False)
        assert (found.ok, found.first_bad_seq) == (False, 1)
        assert "verification failed" in str(ledger.store.failure)


def of_a_stranger(_note: bytes, two: bytes) -> bytes:
    """The same tree, signed by somebody else."""
    return sign_checkpoint(Checkpoint(ORIGIN, TreeHead(2, two)), [STRANGER]).encode()


def cut(note: bytes, _: bytes) -> bytes:
    """It is no note any more."""
    return note[:-1]


@pytest.mark.parametrize("full", [True, False], ids=["everything", "by itself"])
@pytest.mark.parametrize("change", [flipped, of_a_stranger, cut])
def test_a_changed_checkpoint_is_found(house: House, full: bool, change: Callable[[bytes, bytes], bytes]) -> None:
    """A signature that is false or of another key is damage like any other: no entry is at fault, and the ledger freezes."""
    with filled(house) as ledger:
        (kept,) = (one for one in ledger.store.checkpoints() if one.size == 2)
        assert ledger.verifier.verify(full=True).ok
        assert ledger.verifier.verify(full=False).ok
        replace(house, 2, change(kept.note, root(ledger)))
        for _ in range(2):  # the first goes on after the last one, the second begins anew
            found = ledger.verifier.verify(full=full)
        assert (found.ok, found.first_bad_seq) == (False, None)
        assert "checkpoint: the kept checkpoint over 2 entries" in (found.reason or "")
        assert "the kept checkpoint over 2" in (ledger.store.failure or "")


@pytest.mark.parametrize("full", [True, False], ids=["everything", "by itself"])
def test_a_checkpoint_over_another_tree_is_found(house: House, full: bool) -> None:
    """Signed by the right key, over other entries: the key was used for a history that is not this one."""
    with filled(house) as ledger:
        assert ledger.verifier.verify(full=False).ok  # the next one begins after the entries that are there
        keys = read_keys(beside(house.path)[0], ORIGIN).keys
        replace(house, 2, sign_checkpoint(Checkpoint(ORIGIN, TreeHead(2, bytes(32))), keys).encode())
        for _ in range(2):
            found = ledger.verifier.verify(full=full)
        assert (found.ok, found.first_bad_seq) == (False, 1 if full else None)
        assert "checkpoint" in (found.reason or "")


def test_all_get_their_turn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, each check takes a bounded number of them, and after the last it is the first one's turn."""
    monkeypatch.setattr(kept_module, "_STEP", 2)
    with filled(house) as ledger:
        sizes = [one.size for one in ledger.store.checkpoints()]
        found = [ledger.verifier.verify(full=False).ok]
        replace(house, 1, b"x")
        found += [ledger.verifier.verify(full=False).ok for _ in range(4)]
        assert sizes == [0, 1, 2, 3, 4]
        assert found == [True, True, True, True, False]


def test_checkpoints_of_a_former_key_hold(house: House) -> None:
    """After a rotation the old ones are verified with the key that the rotation names."""
    key_file = beside(house.path)[0]
    with filled(house):
        pass
    add_key(key_file, ORIGIN, "")
    with house.signed() as ledger:
        note = ledger.notary.covering(ENTRIES + 1, 30).note
    drop_old_keys(key_file, ORIGIN, note)
    with house.signed() as ledger:
        ledger.publisher.close()
        keep_all(ledger, ENTRIES + 1)
        assert ledger.verifier.verify(full=True).ok
        assert ledger.verifier.verify(full=False).ok
        replace(house, 2, sign_checkpoint(Checkpoint(ORIGIN, TreeHead(2, root(ledger))), [STRANGER]).encode())
        assert not ledger.verifier.verify(full=True).ok
