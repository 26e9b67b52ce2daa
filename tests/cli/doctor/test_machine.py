"""Disk, data directory and programs of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.doctor.examine import examine
from cli.doctor.finding import Check, Finding, Status
from cli.doctor.machine import Disk
from tests.cli.doctor.conftest import Diagnose

MIB = 1024 * 1024
BLOCK = 4096


def volume(size: int, free: int, inodes: int = 1000, left: int = 500) -> Callable[[Path], os.statvfs_result]:
    """Return a statvfs of a file system with these bytes and inodes."""
    blocks = (BLOCK, BLOCK, size // BLOCK, free // BLOCK, free // BLOCK, inodes, left, left, 0, 255)
    return lambda _: os.statvfs_result(blocks)


def disk(environ: dict[str, str], statvfs: Callable[[Path], os.statvfs_result]) -> Finding:
    """Return what the check of the disk says about such a file system."""
    (result,) = examine(environ, [Check("disk", Disk(statvfs))])
    return result.finding


@pytest.mark.parametrize(
    ("statvfs", "status", "words"),
    [
        (volume(100_000 * MIB, 50_000 * MIB), Status.OK, "48.8 GiB free (50%)"),
        (volume(10_000 * MIB, 900 * MIB), Status.WARN, "nearly full: 900 MiB free (9%)"),
        (volume(100_000 * MIB, 4_000 * MIB), Status.WARN, "nearly full"),
        (volume(10_000_000 * MIB, 100_000 * MIB), Status.OK, "(1%)"),
        (volume(10_000 * MIB, 50 * MIB), Status.FAIL, "the disk is full: 50 MiB free"),
        (volume(1_000_000 * MIB, 5_000 * MIB), Status.FAIL, "the disk is full"),
        (volume(100_000 * MIB, 50_000 * MIB, 1000, 30), Status.WARN, "few inodes left: 30 free (3%)"),
        (volume(100_000 * MIB, 50_000 * MIB, 1000, 5), Status.FAIL, "no inodes left: 5 free"),
        (volume(100_000 * MIB, 50_000 * MIB, 0, 0), Status.OK, "free"),
    ],
)
def test_a_disk_that_fills_up_is_told_in_bytes_and_inodes(
    place: dict[str, str], statvfs: Callable[[Path], os.statvfs_result], status: Status, words: str
) -> None:
    """Little is a warning, next to nothing a failure; a small share of a very large disk is neither."""
    found = disk(place, statvfs)
    assert found.status is status
    assert words in found.found
    assert ("LUMEN_DATA_DIR" in found.fix) is (status is not Status.OK)


def test_the_folder_that_will_be_made_is_measured_where_it_will_be(place: dict[str, str]) -> None:
    """The file system of the nearest folder that exists is asked, with the real call."""
    asked: list[Path] = []

    def statvfs(path: Path) -> os.statvfs_result:
        asked.append(path)
        return os.statvfs(path)

    disk({**place, "LUMEN_DATA_DIR": str(Path(place["LUMEN_RULES"]) / "a" / "b")}, statvfs)
    assert asked == [Path(place["LUMEN_RULES"])]


def test_a_data_directory_that_cannot_be_one_is_found(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """A file stands in its place or in its way, or its name is none; the rest is examined all the same."""
    (clean_place / "file").write_text("")
    for path in (clean_place / "file", clean_place / "file" / "below", clean_place / ("x" * 300)):
        found = diagnose({**place, "LUMEN_DATA_DIR": str(path)})
        assert found.status("lumen") is Status.FAIL
        assert found.status("data-dir") is Status.FAIL, found.of("data-dir")
        assert "LUMEN_DATA_DIR" in found.one("data-dir").fix
    assert "is no folder" in diagnose({**place, "LUMEN_DATA_DIR": str(clean_place / "file")}).failed()["data-dir"]


def test_a_missing_temporal_program_says_how_to_get_it(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lumen up` would not start; with a Temporal elsewhere the program is not needed."""
    monkeypatch.setattr(sys, "executable", str(clean_place / "bin" / "python"))
    monkeypatch.setenv("PATH", str(clean_place))
    found = diagnose(place)
    assert "`temporal` is missing" in found.failed()["programs"]
    assert "lumen-remediation[embedded]" in found.one("programs").fix
    assert diagnose({**place, "TEMPORAL_ADDRESS": "127.0.0.1:9"}).status("programs") is Status.OK


def test_a_temporal_program_that_may_not_be_executed_is_found(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fix is the command that makes it executable."""
    program = clean_place / "temporal"
    program.write_text("")
    monkeypatch.setattr(sys, "executable", str(clean_place / "python"))
    found = diagnose(place).one("programs")
    assert (found.status, found.fix) == (Status.FAIL, f"chmod +x {program}")
