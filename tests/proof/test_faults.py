"""Every system call of an append, of the database and of the signed checkpoint, killed or failed, one at a time."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proof.format.chain import check_entry
from tests.proof.appender import FAILED
from tests.proof.samples import LOG, append, draft, signed_ledger

ROOT = Path(__file__).parents[2]
APPENDS = 2
BEFORE = 3
WRITES = ("pwrite64", "write", "fdatasync", "fsync", "rename", "openat", "ftruncate")
READS = ("pread64", "read")
LOCKS = ("fcntl",)
_CALL = re.compile(r"^(\d+) +(\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """What happens to the ``number``-th system call ``name`` of each thread."""

    name: str
    what: str
    number: int

    @property
    def options(self) -> list[str]:
        """The options of strace that do it."""
        return ["-e", f"trace={self.name}", "-e", f"inject={self.name}:{self.what}:when={self.number}"]


class Appender:
    """The program that appends under strace."""

    def __init__(self, process: subprocess.Popen[str], now: bool) -> None:
        """Talk to a running one; ``now``: its appends are written by the thread that calls."""
        self._process = process
        self._now = now

    def run(self, path: Path, options: list[str]) -> dict[str, Any]:
        """Let it append to the ledger in ``path`` and return what came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        case = {"path": str(path), "options": options, "count": APPENDS, "now": self._now}
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def appender(now: bool) -> Iterator[Appender]:
    """Run the program."""
    argv = [sys.executable, "-m", "tests.proof.appender"]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Appender(process, now)
        finally:
            process.kill()


@pytest.fixture
def template(tmp_path: Path, require_all: bool) -> Path:
    """Return the folder of a closed ledger with three entries; skip, with the reason, where strace cannot be used."""
    if shutil.which("strace") is None and not require_all:
        pytest.skip("not installed: strace (Debian: strace)")
    folder = tmp_path / "template"
    folder.mkdir()
    with signed_ledger(folder / "proof.db") as ledger:
        for number in range(BEFORE):
            append(ledger.store, draft(f"old-{number}", action=number))
    return folder


def points(log: str) -> Iterator[Fault]:
    """Yield a fault for each system call in a trace, as often as one thread made it."""
    most: Counter[str] = Counter()
    for (_, name), count in Counter(_CALL.findall(log)).items():
        most[name] = max(most[name], count)
    for name in WRITES:
        for number, what in itertools.product(range(1, most[name] + 1), ("signal=KILL", "error=EIO", "error=ENOSPC")):
            yield Fault(name, what, number)
    for name in (*READS, *LOCKS):
        for number in range(1, most[name] + 1):
            yield Fault(name, "error=EIO", number)


def judge(path: Path, acknowledged: list[list[str]]) -> None:
    """Check that the ledger in ``path`` goes on, has every entry that was acknowledged, and takes all retries."""
    with signed_ledger(path) as ledger:
        assert ledger.store.failure is None
        assert ledger.verifier.verify(full=True).ok
        for idem, leaf in acknowledged:
            entry = ledger.store.entry_by_idem(idem)
            assert entry is not None, f"{idem} was acknowledged and is lost"
            assert entry.leaf.hex() == leaf
        receipts = [append(ledger.store, draft(f"new-{number}", action=number)) for number in range(APPENDS)]
        assert [receipt.seq for receipt in receipts] == list(range(BEFORE, BEFORE + APPENDS))
        entries = ledger.store.entries(0, 100)
        assert len({check_entry(entry, LOG).idem for entry in entries}) == len(entries) == BEFORE + APPENDS


@pytest.mark.parametrize("now", [False, True], ids=["thread", "caller"])
def test_every_system_call_may_fail(template: Path, tmp_path: Path, now: bool) -> None:
    """Whichever call is killed or fails: the next start verifies, signs on, and has lost nothing that was acknowledged."""
    outcomes: Counter[str] = Counter()
    with appender(now) as one, appender(now) as other:
        shutil.copytree(template, tmp_path / "traced")
        traced = one.run(tmp_path / "traced" / "proof.db", ["-e", "trace=" + ",".join((*WRITES, *READS, *LOCKS))])
        assert (traced["status"], len(traced["acknowledged"])) == (0, APPENDS)
        faults = list(points(traced["log"]))

        def attempt(numbered: tuple[int, Fault]) -> None:
            number, fault = numbered
            folder = tmp_path / f"fault-{number}"
            shutil.copytree(template, folder)
            answer = (one, other)[number % 2].run(folder / "proof.db", fault.options)
            status = answer["status"]
            if os.WIFSIGNALED(status):
                assert os.WTERMSIG(status) == signal.SIGKILL, fault
                outcomes["killed"] += 1
            else:
                assert os.WEXITSTATUS(status) in {0, FAILED}, fault
                outcomes["failed" if status else "went on"] += 1
            outcomes["acknowledged"] += len(answer["acknowledged"])
            judge(folder / "proof.db", answer["acknowledged"])
            shutil.rmtree(folder)

        def attempt_half(half: int) -> None:
            for numbered in list(enumerate(faults))[half::2]:
                attempt(numbered)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(attempt_half, (0, 1)))
    print(f"{len(faults)} faults: {dict(outcomes)}; inconsistent 0, acknowledged but lost 0")
    assert outcomes["killed"] >= 30
    assert outcomes["failed"] >= 40
