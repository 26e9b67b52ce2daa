"""Exports made to make a reader fail: both programs tell what is wrong with them, at its entry."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from proof.format.chain import StoredEntry, StoredPart
from proof.format.entry import Entry, encode_entry, leaf_hash, part_commitment
from tests.proof.samples import LOG
from tests.proof.verifier.building import KEY, NEXT, Ledger, remake_manifest, sound, verdict


def test_a_name_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    """A file whose name no manifest can hold is a finding, not a failure of the program."""
    path = sound().write(tmp_path / "export", {"x.txt": b"x"})
    (path / "anchors" / "x.txt").rename(path / "anchors" / os.fsdecode(b"\xff.txt"))
    assert verdict(path) == (1, None, "file")


def test_a_number_without_end_is_told(tmp_path: Path) -> None:
    """A part whose number has more digits than a number may have is a finding at its entry."""
    path = sound().write(tmp_path / "export")
    parts = path / "parts.jsonl"
    parts.write_bytes(parts.read_bytes().replace(b'"seq":3', b'"seq":' + b"3" * 5000, 1))
    remake_manifest(path)
    assert verdict(path) == (1, 3, "part")


def test_a_rotation_nested_without_end_is_told(tmp_path: Path) -> None:
    """A rotation that no parser gets through names no keys."""
    data, salt = b'{"a":' * 50_000 + b"1" + b"}" * 50_000, bytes(32)
    idem, at = f"key.rotated/{NEXT.verifier.id}", "2026-01-31T12:00:00.000000Z"
    parts = {"rotation": part_commitment(salt, "rotation", data)}
    body = encode_entry(Entry(LOG, 0, LOG, idem, "key.rotated", at, parts, len(data), KEY.verifier.id))
    ledger = Ledger([StoredEntry(0, idem, leaf_hash(body), body, (StoredPart("rotation", salt, data),))])
    ledger.sign()
    assert verdict(ledger.forge(tmp_path / "export")) == (1, 0, "key")


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An export with folders in folders, deeper than a program can follow; removed by one that can."""
    path = sound().write(tmp_path / "export")
    monkeypatch.chdir(path)
    for _ in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(path)
    yield path
    subprocess.run(["rm", "-r", str(path / "d")], check=True, timeout=30)


def test_folders_without_end_are_told(deep: Path) -> None:
    """They are one finding, whoever looks."""
    assert verdict(deep) == (1, None, "file")
