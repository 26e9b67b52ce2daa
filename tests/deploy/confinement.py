"""Starts a process as the compose file starts a container: another user, a root that cannot be written, no privileges."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.deploy.dockerfile import one

# $1: folders that can be written, separated by ":". $2: the folder of the interpreter, which lies below $3, closed to others.
_SCRIPT = """
set -e
if [ -n "$3" ]; then
  mount --bind "$2" /mnt
  mount -t tmpfs -o mode=0755 none "$3"
  mkdir -p "$2"
  mount --bind /mnt "$2"
fi
IFS=:
for folder in $1; do mount --bind "$folder" "$folder"; done
unset IFS
mount -o remount,bind,ro /
mount -t tmpfs -o mode=1777 none /tmp
shift 3
exec setpriv --reuid="$1" --regid="$2" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "${@:3}"
"""


def owner() -> tuple[int, int]:
    """Return user and group of the image."""
    match = re.fullmatch(r"(\d+):(\d+)", one("runtime", "USER"))
    assert match, "Kubernetes can only tell from numbers that this is not root"
    return int(match[1]), int(match[2])


def can_confine() -> bool:
    """Return whether this process may make a mount namespace."""
    if os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


def confined(argv: Sequence[str], writable: Sequence[Path]) -> list[str]:
    """Return the command line that runs ``argv`` confined; its process id stays that of what is started."""
    user, group = owner()
    python = Path(sys.base_prefix)
    closed = [folder for folder in python.parents if not folder.stat().st_mode & stat.S_IXOTH]
    for folder in writable:
        os.chown(folder, user, group)
    words = (":".join(map(str, writable)), str(python), str(closed[0]) if closed else "", str(user), str(group))
    return ["unshare", "--mount", "bash", "-c", _SCRIPT, "confined", *words, *argv]
