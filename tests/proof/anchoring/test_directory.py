"""Anchors as files: one for each size, whole, never changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proof.anchoring.directory import Anchor, DirectorySink
from proof.anchoring.sink import AnchorError, ForkError
from proof.errors import StartError
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.merkle import TreeHead
from proof.format.note import SigningKey
from proof.signing.notary import Published
from tests.proof.samples import ORIGIN

KEYS = [SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2)]


def checkpoint(size: int, root: bytes = bytes(32), keys: int = 1) -> Published:
    """Return a signed checkpoint."""
    tree = TreeHead(size, root)
    return Published(sign_checkpoint(Checkpoint(ORIGIN, tree), KEYS[:keys]).encode(), tree, "", 0.0)


def test_each_size_is_a_file(tmp_path: Path) -> None:
    """The newest is the one over the most entries, by name as by number; everybody may read it; nothing else is left."""
    sink = DirectorySink(tmp_path)
    assert sink.newest() is None
    for size in (9, 100, 20):
        assert sink.publish(checkpoint(size)) == f"{size:020d}.note"
    path = tmp_path / "00000000000000000100.note"
    assert sink.newest() == Anchor(path, checkpoint(100).note)
    assert max(tmp_path.iterdir()) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert len(list(tmp_path.iterdir())) == 3


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    """A retry is no error, and the file keeps its bytes, also when a second key signs by then."""
    sink = DirectorySink(tmp_path)
    sink.publish(checkpoint(3))
    sink.publish(checkpoint(3, keys=2))
    assert sink.newest() == Anchor(tmp_path / f"{3:020d}.note", checkpoint(3).note)


def test_another_one_of_the_same_size_is_not_replaced(tmp_path: Path) -> None:
    """Two checkpoints over the same entries are evidence of a fork: the file stays, and the attempt says what it is."""
    path = tmp_path / f"{3:020d}.note"
    there = checkpoint(3, b"\xff" * 32).note
    path.write_bytes(there)
    with pytest.raises(ForkError, match="another checkpoint"):
        DirectorySink(tmp_path).publish(checkpoint(3))
    assert path.read_bytes() == there


@pytest.mark.parametrize("there", [checkpoint(2).note, b"", b"\xff"])
def test_what_is_no_checkpoint_of_this_size_is_not_replaced(tmp_path: Path, there: bytes) -> None:
    """A damaged or misnamed file shows no fork: it stays, and the attempt fails."""
    path = tmp_path / f"{3:020d}.note"
    path.write_bytes(there)
    with pytest.raises(AnchorError, match="no checkpoint over 3") as caught:
        DirectorySink(tmp_path).publish(checkpoint(3))
    assert not isinstance(caught.value, ForkError)
    assert path.read_bytes() == there


def test_other_files_are_not_anchors(tmp_path: Path) -> None:
    """What git or an editor leave in the directory is not looked at."""
    for name in (".git", "README", "5.note", f"{5:020d}.note.new", f"{5:021d}.note"):
        (tmp_path / name).write_bytes(b"x")
    assert DirectorySink(tmp_path).newest() is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
def test_what_is_no_plain_file_is_named_and_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Under the name of an anchor it has a flaw as the newest one, and fails an attempt to write there."""
    path = tmp_path / f"{3:020d}.note"
    make(path)
    sink = DirectorySink(tmp_path)
    newest = sink.newest()
    assert newest is not None
    assert (newest.path, newest.note) == (path, b"")
    assert "no plain file" in (newest.flaw or "")
    with pytest.raises(AnchorError, match=r"0003\.note: it is no plain file"):
        sink.publish(checkpoint(3))


def test_a_directory_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """A mount that is missing must not look like a ledger without anchors."""
    with pytest.raises(StartError, match="PROOF_ANCHOR_DIR"):
        DirectorySink(tmp_path / "missing")


def test_a_directory_that_goes_away_is_an_error_to_be_retried(tmp_path: Path) -> None:
    """A mount that fails while running fails one attempt; while starting it stops the start."""
    folder = tmp_path / "anchors"
    folder.mkdir()
    sink = DirectorySink(folder)
    folder.rmdir()
    with pytest.raises(AnchorError, match="cannot write"):
        sink.publish(checkpoint(1))
    with pytest.raises(StartError, match="cannot be read"):
        sink.newest()
