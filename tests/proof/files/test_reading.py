"""Files that somebody else put there: what is no plain file, or too large, is an error and never a wait."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from proof.files.reading import NotPlainError, read_plain


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    """Up to its limit, by a link too."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(path)
    assert read_plain(path, 5) == read_plain(tmp_path / "link", 5) == b"12345"


def test_a_larger_file_is_an_error(tmp_path: Path) -> None:
    """It names the limit and the file, and is not read to its end."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="more than the 5 bytes") as caught:
        read_plain(path, 5)
    assert caught.value.filename == str(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("what", ["pipe", "folder", "device", "socket"])
def test_what_is_no_plain_file_is_an_error_at_once(tmp_path: Path, what: str) -> None:
    """A pipe without a writer is not waited for."""
    path = tmp_path / "there"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "device":
        path = Path("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    with pytest.raises(NotPlainError if what != "socket" else OSError, match=str(path)):
        read_plain(path, 5)  # a socket cannot even be opened
