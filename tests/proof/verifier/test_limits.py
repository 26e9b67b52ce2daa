"""Nothing that is read of an export or a bundle is of any length: what is too large is told, by both who verify."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proof import verify_lumen_proof as verifier
from proof.errors import BrokenChainError
from proof.exporting import bundle as bundle_module
from proof.exporting import reader as reader_module
from proof.exporting.bundle import bundle_bytes
from proof.exporting.reader import ExportReader
from proof.exporting.writer import MAX_ANCHOR_BYTES, ExportError, ExportWriter
from tests.proof.samples import LOG, ORIGIN
from tests.proof.verifier.building import KEY, judge, sound, verdict

HUGE = 1 << 40


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A sound export."""
    return sound().write(tmp_path / "export")


def taken_in(export: Path) -> tuple[int | None, str] | None:
    """Return seq and code of what the reader of the service finds, or None."""
    try:
        for _ in ExportReader(export, ORIGIN, LOG, [KEY.verifier]).entries():
            pass
    except BrokenChainError as error:
        return error.seq, error.code
    return None


def enlarge(path: Path) -> None:
    """Make a file of a terabyte of which the disk has nothing."""
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        file.truncate(HUGE)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("manifest.json", "manifest"),
        ("checkpoints/00000000000000000006.note", "checkpoint"),
        ("checkpoints/00000000000000000099.note", "checkpoint"),
        ("anchors/00000000000000000099.note", "checkpoint"),
        ("anchors/receipt.tsr", "file"),
    ],
)
def test_a_file_of_any_length_is_a_finding(export: Path, name: str, code: str) -> None:
    """It is read up to its limit, by the offline verifier and by who takes the export in, and both say what is wrong."""
    enlarge(export / name)
    assert verdict(export) == (1, None, code)
    assert taken_in(export) == (None, code)


@pytest.mark.parametrize("name", ["entries.jsonl", "leaves.bin", "parts.jsonl", "manifest.json"])
@pytest.mark.timeout(60)
def test_a_pipe_is_a_finding(export: Path, name: str) -> None:
    """Nobody waits for its other end."""
    (export / name).unlink()
    os.mkfifo(export / name)
    assert verdict(export) == (1, None, "file")
    assert taken_in(export) == (None, "file")


def test_all_small_files_together_have_a_limit(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept in memory, so there is a number of bytes that they may have."""
    monkeypatch.setattr(verifier, "SMALL_LIMIT", 1000)
    monkeypatch.setattr(reader_module, "_MAX_SMALL_BYTES", 1000)
    found = judge(export)
    assert (found["exit"], "more than 1000 bytes" in found["reason"]) == (2, True)
    with pytest.raises(ExportError, match="more than 1000 bytes"):
        taken_in(export)


def test_a_bundle_of_any_length_is_not_read(tmp_path: Path) -> None:
    """It is no bundle."""
    path = tmp_path / "bundle.json"
    enlarge(path)
    found = judge(path)
    assert found["exit"] == 2
    assert "that is no bundle" in found["reason"]


def test_what_no_verifier_would_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an anchor nor a bundle over its limit."""
    with ExportWriter(tmp_path / "export", ORIGIN, LOG) as writer:
        writer.add_anchor("receipt.tsr", bytes(MAX_ANCHOR_BYTES))
        for name, size in (("other.tsr", MAX_ANCHOR_BYTES + 1), ("1.note", 64 * 1024 + 1)):
            with pytest.raises(ExportError, match="the limit is"):
                writer.add_anchor(name, bytes(size))
    monkeypatch.setattr(bundle_module, "MAX_BYTES", 100)
    with pytest.raises(ExportError, match="take an export"):
        bundle_bytes(ORIGIN, LOG, "a", b"note\n", [])
