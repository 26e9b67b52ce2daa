"""The writer of exports: same ledger, same bytes; nothing unsound is written, nothing is overwritten."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from proof.errors import BrokenChainError
from proof.exporting.writer import ExportError, ExportWriter
from tests.proof.samples import LOG, ORIGIN
from tests.proof.verifier.building import sound, verdict


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two exports are equal to the byte, and equal to what the tests write by other means."""
    first, second = sound().write(tmp_path / "first"), sound().forge(tmp_path / "second")
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second).as_posix() for path in second.rglob("*") if path.is_file())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert verdict(first)[0] == 0


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """It names people: files 0600 and directories 0700."""
    export = sound().write(tmp_path / "export")
    for path in (export, *export.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A directory with anything in it, and a file in its place, are refused in one line; an empty one is taken."""
    (tmp_path / "empty").mkdir()
    sound().write(tmp_path / "empty")
    with pytest.raises(ExportError, match="not empty"):
        sound().write(tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="cannot write"):
        sound().write(tmp_path / "file")


def test_an_unsound_entry_is_not_written(tmp_path: Path) -> None:
    """Gaps, entries that do not follow and entries that do not hold are refused with their number."""
    entries = sound().entries
    with ExportWriter(tmp_path / "export", ORIGIN, LOG) as writer:
        writer.add(entries[0])
        for bad in (entries[2], replace(entries[1], leaf=b"x" * 32), replace(entries[1], parts=())):
            with pytest.raises(BrokenChainError) as caught:
                writer.add(bad)
            assert caught.value.seq == 1
        writer.add(entries[1])
        assert writer.tree.size == 2
    assert not (tmp_path / "export" / "manifest.json").exists()


def test_erasures_that_are_not_recorded_are_known(tmp_path: Path) -> None:
    """The writer says which parts are gone without a word, so that whoever uses it can."""
    ledger = sound()
    with ExportWriter(tmp_path / "export", ORIGIN, LOG) as writer:
        for stored in ledger.entries[:4]:
            writer.add(stored)
        assert writer.unrecorded == {"part.erased/1/approval": 1}
        writer.add(ledger.entries[4])
        assert not writer.unrecorded


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "../x"])
def test_anchors_have_plain_names(tmp_path: Path, name: str) -> None:
    """What is put in beside the ledger stays in its folder."""
    with ExportWriter(tmp_path / "export", ORIGIN, LOG) as writer, pytest.raises(ExportError, match="anchor"):
        writer.add_anchor(name, b"x")
