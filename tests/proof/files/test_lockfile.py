"""Where a ledger may lie, and who may write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.errors import StartError
from proof.files.lockfile import WriterLock, file_system_type, refuse_network_file_system

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:20 / /proc rw - proc proc rw
30 21 0:40 / /mnt/share rw,relatime - nfs4 server:/export rw,addr=10.0.0.1
31 21 0:41 / /mnt/with\\040space rw shared:2 master:3 - cifs //server/x rw
32 30 8:2 / /mnt/share/local rw - xfs /dev/sdb1 rw
33 21 8:3 / /over rw - nfs server:/a rw
34 33 8:4 / /over rw - ext4 /dev/sdc1 rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib", "ext4"),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/deep/er", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/with space/x", "cifs"),
        ("/mnt/share/local/x", "xfs"),
        ("/over", "ext4"),
    ],
)
def test_the_nearest_mount_decides(folder: str, kind: str) -> None:
    """The longest mount point above a folder gives its type, the later of two at one place, escapes decoded."""
    assert file_system_type(Path(folder), MOUNTS) == kind


def test_network_file_systems_are_refused(tmp_path: Path) -> None:
    """A ledger on a network file system does not start; a local one, or a system without the table, does."""
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    with pytest.raises(StartError, match=r"nfs4.*local disk"):
        refuse_network_file_system(Path("/mnt/share/x"), table)
    refuse_network_file_system(Path("/var"), table)
    refuse_network_file_system(Path("/mnt/share/x"), tmp_path / "absent")


def test_a_lock_can_be_taken_once(tmp_path: Path) -> None:
    """The second taker is told who holds it; after the release it is free again."""
    path = tmp_path / "proof.db"
    lock = WriterLock.take(path)
    with pytest.raises(StartError, match="open in another proofd"):
        WriterLock.take(path)
    lock.release()
    lock.release()
    WriterLock.take(path).release()


def test_an_unusable_lock_file_is_named(tmp_path: Path) -> None:
    """If the lock file cannot be opened, the start is refused with its path."""
    (tmp_path / "proof.db.lock").mkdir()
    with pytest.raises(StartError, match=r"proof\.db\.lock"):
        WriterLock.take(tmp_path / "proof.db")
