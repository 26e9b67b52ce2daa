"""One writer for one database file: an exclusive lock beside it that dies with the process, and no network file systems."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from proof.errors import StartError

_NETWORK_TYPES = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "lustre", "afs"}
)
_OCTAL = re.compile(r"\\([0-7]{3})")


class WriterLock:
    """An exclusive ``flock`` on ``<file>.lock``, held until ``release`` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        """Keep the open descriptor: the lock lives as long as it does."""
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path) -> WriterLock:
        """Lock ``database`` (a resolved path) for this process; raises ``StartError`` if another process holds it."""
        path = database.with_name(database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"cannot open the lock file {path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StartError(
                f"the ledger {database} is open in another proofd (process {holder}): stop that one or use another file"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would let two processes hold two locks."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def refuse_network_file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Raise ``StartError`` if ``folder`` is on a network file system: locks and fsync cannot be relied on there.

    ``mounts`` is in the format of proc(5) mountinfo; a system without it (not Linux) is not checked.
    """
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = file_system_type(folder, table)
    if kind in _NETWORK_TYPES:
        raise StartError(f"the folder {folder} is on a network file system ({kind}): put the ledger on a local disk")


def file_system_type(folder: Path, mountinfo: str) -> str:
    """Return the type of the file system that holds ``folder`` by a mountinfo table; empty if the table has none."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if (folder == point or point in folder.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind
