"""``lumen up`` as a child of the tests, on free ports, with its data below ``tmp_path``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.stack.processes import Child, free_port, lumen_command
from tests.stack.rulebook import Rulebook

PATIENCE = 120.0


def group_of(pgid: int) -> dict[int, str]:
    """Return the living processes of a process group, each with its command line."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == pgid and fields[0] != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found


def children_of(pid: int) -> dict[int, int]:
    """Return the living children of a process, each with its process group."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found[int(entry.name)] = int(fields[2])
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; fail with ``what`` after a while."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Up:
    """One ``lumen up`` with its ports and its data directory."""

    def __init__(self, folder: Path, **environ: str) -> None:
        """Choose ports; nothing runs yet."""
        self.folder = folder
        self.data = folder / "data"
        self.ports = {name: free_port() for name in ("temporal", "ui", "proofd", "worker", "api")}
        Rulebook(folder / "rules").add("DiskFull", actions=[{"cmd": ["/bin/true"]}])
        self.environ = {
            "LUMEN_DATA_DIR": str(self.data),
            "LUMEN_RULES": str(folder / "rules"),
            "LUMEN_TEMPORAL_PORT": str(self.ports["temporal"]),
            "LUMEN_TEMPORAL_UI_PORT": str(self.ports["ui"]),
            "PROOFD_ADDR": f"127.0.0.1:{self.ports['proofd']}",
            "LUMEN_WORKER_ADDR": f"127.0.0.1:{self.ports['worker']}",
            "LUMEN_API_ADDR": f"127.0.0.1:{self.ports['api']}",
            **environ,
        }
        self.child = self._new_child()

    def _new_child(self) -> Child:
        return Child("up", lumen_command("up"), self.environ, self.folder)

    @property
    def printed(self) -> str:
        """What this start has printed."""
        return self.child.log

    def url(self, name: str, path: str) -> str:
        """Return a URL of one of the processes."""
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def start(self) -> None:
        """Start it (again) and wait for its status block."""
        (self.folder / "up.log").unlink(missing_ok=True)
        self.child.start()
        until(lambda: "Ctrl-C stops everything" in self.printed or not self._alive(), f"not running: {self.printed}")
        assert "Ctrl-C stops everything" in self.printed, self.printed

    def _alive(self) -> bool:
        # A zombie that nobody has waited for is dead; group_of leaves zombies out.
        return self.child.pid in group_of(self.child.pid)

    def signal_group(self, number: int) -> None:
        """Send a signal to the whole process group, as a terminal does."""
        os.killpg(self.child.pid, number)

    def gone(self) -> None:
        """Wait until no process of the group is left."""
        group = self.child.pid
        until(lambda: not group_of(group), f"left: {group_of(group)}")

    def end(self) -> None:
        """End whatever still runs."""
        self.child.kill()
        self.gone()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A ``lumen up`` that has not been started."""
    one = Up(tmp_path)
    yield one
    with suppress(AssertionError):
        _ = one.child.pid
        one.end()
