"""Every flipped byte and every cut of an export is found by the offline verifier, at the right entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.verifier.building import judge, remake_manifest, small, verdict


def flips(place: int) -> tuple[int, ...]:
    """Return what a byte is changed by: its lowest bit, and at some places anything else too."""
    return (1,) if place % 5 else (1, 2 + place % 254)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A sound export that a test may damage."""
    return small().write(tmp_path / "export")


def owners(export: Path, name: str) -> list[int]:
    """Return for each byte of a file the number of the entry that it belongs to."""
    content = (export / name).read_bytes()
    if name == "leaves.bin":
        return [place // 32 for place in range(len(content))]
    lines = content.splitlines(keepends=True)
    if name == "entries.jsonl":
        return [seq for seq, line in enumerate(lines) for _ in line]
    return [int(line.split(b",")[0].split(b":")[1]) for line in lines for _ in line]


def test_the_export_holds(export: Path) -> None:
    """The tests below fail for what they change: as it is the export holds, in both modes."""
    assert verdict(export)[0] == 0
    assert verdict(export, "--strict")[0] == 0


@pytest.mark.parametrize("name", ["entries.jsonl", "leaves.bin", "parts.jsonl"])
def test_every_flipped_byte_is_found_at_its_entry(export: Path, name: str) -> None:
    """One byte changed anywhere makes the entry it belongs to the first bad one, whatever the byte becomes."""
    path, belongs = export / name, owners(export, name)
    content = path.read_bytes()
    for place, seq in enumerate(belongs):
        for mask in flips(place):
            path.write_bytes(content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :])
            assert verdict(export)[:2] == (1, seq), (place, mask)
    path.write_bytes(content)
    assert verdict(export)[0] == 0


@pytest.mark.parametrize("name", ["entries.jsonl", "leaves.bin", "parts.jsonl"])
def test_every_cut_is_found_at_its_entry(export: Path, name: str) -> None:
    """Wherever a file is cut off, the first entry that lost something is the first bad one; no manifest hides it."""
    path, belongs = export / name, owners(export, name)
    content = path.read_bytes()
    for place, seq in reversed(list(enumerate(belongs))):
        path.write_bytes(content[:place])
        if place % 50 == 0:
            remake_manifest(export)
        assert verdict(export)[:2] == (1, seq), place


@pytest.mark.parametrize("name", ["entries.jsonl", "leaves.bin", "parts.jsonl"])
def test_what_was_added_at_the_end_is_found(export: Path, name: str) -> None:
    """Something after the last entry is an entry that is not there."""
    path = export / name
    height = len((export / "leaves.bin").read_bytes()) // 32
    content = path.read_bytes()
    for more in (b"\n", b"x", b"x" * 32, b"{}\n", content.splitlines(keepends=True)[-1], b"\x00" * 100_000):
        path.write_bytes(content + more)
        assert verdict(export)[:2] == (1, height), more[:40]


def test_every_flip_and_cut_of_a_checkpoint_is_found(export: Path) -> None:
    """A changed note is found, and no entry is blamed for it."""
    for path in sorted((export / "checkpoints").iterdir()):
        content = path.read_bytes()
        for place, byte in enumerate(content):
            for mask in flips(place):
                path.write_bytes(content[:place] + bytes([byte ^ mask]) + content[place + 1 :])
                assert verdict(export)[:2] == (1, None), (path.name, place, mask)
            path.write_bytes(content[:place])
            assert verdict(export)[:2] == (1, None), (path.name, place)
        path.write_bytes(content)
    assert verdict(export)[0] == 0


def test_every_flip_and_cut_of_the_manifest_is_found(export: Path) -> None:
    """The manifest is computed anew: not a byte of it may differ."""
    path = export / "manifest.json"
    content = path.read_bytes()
    for place, byte in enumerate(content):
        path.write_bytes(content[:place] + bytes([byte ^ 1]) + content[place + 1 :])
        assert verdict(export) == (1, None, "manifest"), place
        if place % 5 == 0:
            path.write_bytes(content[:place])
            assert verdict(export) == (1, None, "manifest"), place


def test_files_that_do_not_belong_are_found(export: Path) -> None:
    """An unknown file, a folder or a link in the place of a file, and a file that is missing: all are told by name."""
    (export / "notes.txt").write_text("x")
    assert "notes.txt" in judge(export)["reason"]
    (export / "notes.txt").unlink()
    (export / "anchors").mkdir()
    (export / "anchors" / "inner").mkdir()
    assert verdict(export) == (1, None, "file")
    (export / "anchors" / "inner").rmdir()
    assert verdict(export)[0] == 0
    moved = (export / "leaves.bin").rename(export.parent / "leaves.bin")
    assert "leaves.bin" in judge(export)["reason"]
    (export / "leaves.bin").symlink_to(moved)
    assert verdict(export) == (1, None, "file")


def test_the_lowest_entry_is_reported(export: Path) -> None:
    """Of several damages the one of the first entry is told."""
    for name, seq in (("leaves.bin", 2), ("parts.jsonl", 1), ("entries.jsonl", 2)):
        content = bytearray((export / name).read_bytes())
        content[owners(export, name).index(seq) + 9] ^= 1
        (export / name).write_bytes(content)
    (export / "manifest.json").write_text("{}")
    assert verdict(export)[:2] == (1, 1)
