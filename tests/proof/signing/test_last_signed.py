"""The file of the last signed checkpoint: replaced whole, by compare-and-swap, by one process."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from proof.errors import BrokenChainError, StartError
from proof.signing.last_signed import LastSigned

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file in a folder that does not exist yet."""
    return tmp_path / "checkpoint" / "proof.db.note"


def test_it_is_swapped(file: Path) -> None:
    """Nothing, then the first, then the second; private, and nothing else is left in the folder."""
    last = LastSigned.open(file)
    assert last.load() is None
    last.swap(None, b"one")
    last.swap(b"one", b"two")
    assert last.load() == file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}
    last.release()


@pytest.mark.parametrize(("there", "expected"), [(b"one", None), (b"one", b"two"), (None, b"one")])
def test_what_is_not_expected_is_not_replaced(file: Path, there: bytes | None, expected: bytes | None) -> None:
    """If somebody else wrote or removed the file, the swap is refused and the file stays."""
    last = LastSigned.open(file)
    if there is not None:
        file.write_bytes(there)
    with pytest.raises(BrokenChainError, match="two ledgers use it"):
        last.swap(expected, b"new")
    assert last.load() == there
    last.release()


def test_a_link_stays(file: Path, tmp_path: Path) -> None:
    """A link leads to another disk for a reason: the file there is replaced, and locked; links in a circle are one line."""
    file.parent.mkdir()
    there = tmp_path / "other disk" / "last.note"
    there.parent.mkdir()
    file.symlink_to(there)
    last = LastSigned.open(file)
    last.swap(None, b"one")
    last.swap(b"one", b"two")
    assert there.read_bytes() == b"two"
    assert file.is_symlink()
    with pytest.raises(StartError, match="open in another proofd"):
        LastSigned.open(there)
    last.release()
    there.unlink()
    there.symlink_to(file)
    with pytest.raises(StartError, match="circle"):
        LastSigned.open(file)


def test_one_process_has_it(file: Path) -> None:
    """A second ledger, a restored copy for example, cannot use the same file at the same time."""
    last = LastSigned.open(file)
    with pytest.raises(StartError, match="open in another proofd"):
        LastSigned.open(file)
    last.release()
    LastSigned.open(file).release()


def test_what_a_killed_swap_left_is_no_obstacle(file: Path) -> None:
    """Half a file beside it, from a process that was killed, is written over."""
    last = LastSigned.open(file)
    file.with_name(file.name + ".new").write_bytes(b"half")
    last.swap(None, b"one")
    assert last.load() == b"one"
    last.release()


def test_a_mistyped_folder_is_not_made(tmp_path: Path) -> None:
    """Only the last folder of the path is made: a path that does not exist is a mistake."""
    with pytest.raises(StartError, match="PROOF_CHECKPOINT_FILE"):
        LastSigned.open(tmp_path / "typo" / "checkpoint" / "x.note")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_stops_the_start(file: Path) -> None:
    """A folder where the file should be is neither empty nor a checkpoint."""
    file.mkdir(parents=True)
    last = LastSigned.open(file)
    with pytest.raises(StartError, match="cannot be read"):
        last.load()
    last.release()
