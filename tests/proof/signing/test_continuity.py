"""What a start does with a ledger that does not go on from what was signed: it opens, signs nothing, and says why."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from proof.errors import StartError, UnavailableError
from proof.format.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from proof.format.entry import log_id
from proof.format.merkle import TreeHead
from proof.ledger import Ledger
from proof.ledger import open_ledger as open_signed
from proof.signing.keyfile import create_keys, read_keys
from proof.store import LogIdentity, beside
from tests.proof.samples import IDENTITY, ORIGIN, append, draft, places, signed_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator


def filled(path: Path, first: int, count: int, **changes: Any) -> None:
    """Append ``count`` entries to the ledger in ``path`` and close it."""
    with signed_ledger(path, **changes) as ledger:
        for number in range(first, first + count):
            append(ledger.store, draft(f"key-{number}", action=number))


@contextlib.contextmanager
def frozen(path: Path, **changes: Any) -> Iterator[Ledger]:
    """Yield the ledger in ``path`` after seeing that it opened, takes nothing, changes nothing, and can be read."""
    note = beside(path)[1]
    before = note.read_bytes() if note.exists() else None
    with signed_ledger(path, **changes) as ledger:
        assert ledger.store.failure
        with pytest.raises(UnavailableError, match="frozen"):
            ledger.store.append(draft("new"))
        assert ledger.verifier.ok is False
        assert ledger.store.entries(0, 1) or ledger.store.head.height == 0
        yield ledger
    assert (note.read_bytes() if note.exists() else None) == before


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xff", None])
def test_a_damaged_checkpoint_is_frozen(path: Path, content: bytes | None) -> None:
    """What is no checkpoint, or one with a turned bit, is not taken for one."""
    filled(path, 0, 3)
    note = beside(path)[1]
    raw = bytearray(note.read_bytes())
    raw[-20] ^= 1
    note.write_bytes(bytes(raw) if content is None else content)
    with frozen(path) as ledger:
        assert "cannot be used" in (ledger.store.failure or "")


def test_a_checkpoint_by_another_key_is_frozen(path: Path, tmp_path: Path) -> None:
    """A checkpoint that somebody else signed is none."""
    filled(path, 0, 3)
    note = beside(path)[1]
    keys = read_keys(beside(path)[0], ORIGIN)
    genuine = open_checkpoint(note.read_bytes(), ORIGIN, keys.verifiers)
    note.write_bytes(sign_checkpoint(genuine, create_keys(tmp_path / "stranger.key", ORIGIN).keys).encode())
    with frozen(path) as ledger:
        assert "no known key" in (ledger.store.failure or "")


def test_a_lost_key_stops_the_start(path: Path) -> None:
    """A key file that is gone is not replaced by a new key that nobody trusts; the one in force must be in it."""
    filled(path, 0, 1)
    key = beside(path)[0]
    content = key.read_bytes()
    key.unlink()
    with pytest.raises(StartError, match="put the file back"), signed_ledger(path):
        pass
    create_keys(key, ORIGIN)
    beside(path)[1].unlink()
    key.unlink()
    key.write_bytes(content)
    with frozen(path):
        pass


def test_a_replaced_key_stops_the_start(path: Path) -> None:
    """Another key in the place of the one in force is refused, whether or not the checkpoint is there."""
    filled(path, 0, 1)
    key, note = beside(path)
    key.unlink()
    create_keys(key, ORIGIN)
    with frozen(path) as ledger:
        assert "no known key" in (ledger.store.failure or "")
    old = read_keys(key, ORIGIN)
    with contextlib.closing(sqlite3.connect(path)) as db:
        leaves = [leaf for (leaf,) in db.execute("SELECT leaf FROM entry")]
    note.write_bytes(sign_checkpoint(Checkpoint(ORIGIN, TreeHead(1, leaves[0])), old.keys).encode())
    with pytest.raises(StartError, match="the key in force"), signed_ledger(path):
        pass


def test_a_named_key_file_is_never_made(path: Path) -> None:
    """A mistyped PROOF_KEY_FILE does not begin a ledger with a new key."""
    with pytest.raises(StartError, match="PROOF_KEY_FILE"), signed_ledger(path, makes_key=False):
        pass
    assert not beside(path)[0].exists()


def test_another_origin_is_another_ledger(path: Path) -> None:
    """The checkpoint of one log does not begin another one, even in an empty file and with the same key."""
    filled(path, 0, 1)
    other = path.with_name("other.db")
    identity = LogIdentity("example.com/other", log_id("example.com/other", b""))
    key, note = beside(path)
    where = places(other, checkpoint_file=note, key_file=key)
    ledger = open_signed(f"sqlite:///{other}", identity, where, CollectorRegistry(), lambda _: None)
    assert "cannot be used" in (ledger.store.failure or "")
    ledger.close()


def test_two_ledgers_cannot_share_a_checkpoint(path: Path) -> None:
    """While one ledger runs, another one that uses its checkpoint file does not start."""
    with signed_ledger(path), pytest.raises(StartError, match="open in another proofd"):
        open_signed(
            f"sqlite:///{path.with_name('other.db')}",
            IDENTITY,
            places(path.with_name("other.db"), checkpoint_file=beside(path)[1]),
            CollectorRegistry(),
            lambda _: None,
        )


def test_the_first_start_makes_everything(path: Path) -> None:
    """A new ledger has its key and a checkpoint over nothing before the first entry."""
    with signed_ledger(path) as ledger:
        assert ledger.notary.published is not None
        assert ledger.notary.published.tree.size == 0
    key, note = beside(path)
    ring = read_keys(key, ORIGIN)
    assert open_checkpoint(note.read_bytes(), ORIGIN, ring.verifiers).tree.size == 0
