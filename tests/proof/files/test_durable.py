"""Files that are replaced: whole or not at all, private, and nothing else is left."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proof.files import durable


def test_content_is_replaced(tmp_path: Path) -> None:
    """The new content is there, for its owner alone, and no other file."""
    path = tmp_path / "file"
    for content in (b"one", b"", b"three"):
        durable.replace_file(path, content)
        assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_failure_leaves_the_old_content(tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails before the new content has the name, the old one is there, whole, and the error is told."""
    path = tmp_path / "file"
    durable.replace_file(path, b"old")

    def failing(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path if call == "rename" else os, call, failing)
    with pytest.raises(OSError, match="No space"):
        durable.replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_short_write_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file never gets the name."""
    path = tmp_path / "file"
    durable.replace_file(path, b"old")
    monkeypatch.setattr(os, "write", lambda _descriptor, content: len(content) - 1)
    with pytest.raises(OSError, match="2 of 3 bytes"):
        durable.replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_the_order_of_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content first, then its sync, then the name, then the sync of the folder: no other order survives a power cut."""
    calls: list[str] = []

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*given: Any) -> Any:
            on_folder = name == "fsync" and stat.S_ISDIR(os.fstat(given[0]).st_mode)
            calls.append("fsync folder" if on_folder else name)
            return call(*given)

        return made

    monkeypatch.setattr(os, "write", noted("write", os.write))
    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    monkeypatch.setattr(Path, "rename", noted("rename", Path.rename))
    durable.replace_file(tmp_path / "file", b"new")
    assert calls == ["write", "fsync", "rename", "fsync folder"]
