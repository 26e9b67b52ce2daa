"""This machine: its disk, its programs, the data directory."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene
from cli.failure import CommandError
from cli.up.temporal_server import find_program

StatVfs = Callable[[Path], os.statvfs_result]

_MIB = 1024 * 1024
_FAIL_BYTES, _FAIL_SHARE = 100 * _MIB, 0.01
_WARN_BYTES, _WARN_SHARE = 1024 * _MIB, 0.05
_ROOMY = 20 * 1024 * _MIB
"""With so many bytes free a share says nothing: five per cent of a large disk is a lot."""


class Disk:
    """Whether the file systems that hold the data are nearly full. ``statvfs`` is how one is asked."""

    def __init__(self, statvfs: StatVfs) -> None:
        """Keep how to ask."""
        self._statvfs = statvfs

    async def __call__(self, scene: Scene) -> list[Finding]:
        """Look at the file systems of the data directory and of the ledger's file."""
        return await asyncio.to_thread(lambda: list(self._findings(scene)))

    def _findings(self, scene: Scene) -> Iterator[Finding]:
        seen: set[int] = set()
        for folder, variable in _folders(scene):
            there = _nearest(folder)
            device = there.stat().st_dev
            if device not in seen:
                seen.add(device)
                yield _room(self._statvfs(there), there, variable)


def _room(found: os.statvfs_result, folder: Path, variable: str) -> Finding:
    free, share = found.f_bavail * found.f_frsize, found.f_bavail / (found.f_blocks or 1)
    # Some file systems make inodes as they need them, and say 0.
    inodes = found.f_favail / found.f_files if found.f_files else 1.0
    fix = f"make room there (old logs, Temporal's history), or set {variable} to another disk"
    told = f"{_size(free)} free ({share:.0%}) at {folder}"
    if free < _FAIL_BYTES or (share < _FAIL_SHARE and free < _ROOMY):
        return fail(f"the disk is full: {told}; the ledger stops when it cannot write", fix)
    if inodes < _FAIL_SHARE:
        return fail(f"no inodes left: {found.f_favail} free ({inodes:.0%}) at {folder}", fix)
    if free < _WARN_BYTES or (share < _WARN_SHARE and free < _ROOMY):
        return warn(f"the disk is nearly full: {told}", fix)
    if inodes < _WARN_SHARE:
        return warn(f"few inodes left: {found.f_favail} free ({inodes:.0%}) at {folder}", fix)
    return ok(told)


def _folders(scene: Scene) -> Iterator[tuple[Path, str]]:
    yield scene.case.data_dir, "LUMEN_DATA_DIR"
    if scene.case.ledger_file is not None:
        yield scene.case.ledger_file.parent, "PROOF_DSN"


def _nearest(folder: Path) -> Path:
    """Return ``folder``, or what is nearest above it and exists."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))


def _size(count: int) -> str:
    return f"{count / 1024 / _MIB:.1f} GiB" if count >= 1024 * _MIB else f"{count // _MIB} MiB"


async def data_dir(scene: Scene) -> list[Finding]:
    """Look whether the data directory can be used by this user."""
    return await asyncio.to_thread(_data_dir, scene)


def _data_dir(scene: Scene) -> list[Finding]:
    folder = scene.case.data_dir
    fix = "set LUMEN_DATA_DIR to a folder that can be written, or run this as the user that Lumen runs as"
    try:
        there = _nearest(folder)
    except OSError as error:
        return [fail(f"{folder} cannot be looked at: {error.strerror}", fix)]
    if not there.is_dir():
        return [fail(f"{there} is no folder", "set LUMEN_DATA_DIR to a folder")]
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return [fail(f"{there} cannot be used by this user", fix)]
    return [ok(f"{folder}" if there == folder else f"{folder} is not there yet; lumen up makes it")]


async def programs(scene: Scene) -> list[Finding]:
    """Look whether ``lumen up`` finds the programs that it starts."""
    interpreter = f"Python {platform.python_version()}"
    if not scene.case.own_temporal:
        return [ok(f"{interpreter}; TEMPORAL_ADDRESS is set, so no temporal program is needed")]
    if scene.remote:
        return [skip("nothing of Lumen runs here")]
    try:
        program = find_program()
    except CommandError as error:
        found, _, fix = str(error).partition(": ")
        return [fail(found, fix)]
    if not os.access(program, os.X_OK):
        return [fail(f"{program} may not be executed", f"chmod +x {program}")]
    return [ok(f"{interpreter}; {program}")]
