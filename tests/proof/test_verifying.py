"""Verification while the ledger runs: new entries, the whole, and an answer that does not outlive its time."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from proof.store import LedgerStore, Verification
from proof.verifying import Verifier
from tests.proof.samples import append, draft

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Start at a time that is easy to read."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def change(path: Path, statement: str) -> None:
    """Change the ledger behind the back of its process, past the triggers."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)


def test_a_yes_goes_stale(ledger: LedgerStore) -> None:
    """Three intervals after the last check that held, the ledger is not ok any more; the next one makes it so again."""
    clock = Clock()
    verifier = Verifier(ledger, 60.0, clock)
    clock.now += 179
    assert verifier.ok
    clock.now += 2
    assert not verifier.ok
    assert verifier.verify(full=False).ok
    assert verifier.ok


def test_a_yes_goes_stale_whatever_the_time_is_set_to(ledger: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting the clock of the machine back keeps no old yes, and setting it forward makes no good one a no."""
    clock, wall = Clock(), Clock()
    monkeypatch.setattr(time, "time", wall)
    verifier = Verifier(ledger, 60.0, clock)
    wall.now -= 900
    clock.now += 181
    assert not verifier.ok
    assert verifier.verify(full=False).ok
    assert verifier.last_verified == 100.0
    wall.now += 900
    assert verifier.ok


def test_a_failed_check_freezes_and_stays(path: Path, ledger: LedgerStore) -> None:
    """A check that fails is no, at once and for good."""
    append(ledger, draft("a"))
    verifier = Verifier(ledger)
    change(path, "UPDATE entry SET leaf = zeroblob(32)")
    assert not verifier.verify(full=True).ok
    assert not verifier.ok
    assert "verification failed" in (ledger.failure or "")


def test_it_runs_by_itself(path: Path, ledger: LedgerStore) -> None:
    """Damage to a new entry is found without anybody asking."""
    verifier = Verifier(ledger, 0.05)
    append(ledger, draft("a"))
    verifier.start()
    change(path, "UPDATE entry SET leaf = zeroblob(32)")
    deadline = time.monotonic() + 30
    while ledger.failure is None and time.monotonic() < deadline:
        time.sleep(0.01)
    verifier.close()
    assert not verifier.ok


def test_checks_do_not_meet(ledger: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two checks that are asked for at once run one after the other."""
    running = threading.Semaphore(1)
    met: list[bool] = []

    def check(*, full: bool = True) -> Verification:
        met.append(not running.acquire(blocking=False))
        time.sleep(0.01)
        running.release()
        return Verification(ok=True, height=0)

    monkeypatch.setattr(ledger, "verify", check)
    verifier = Verifier(ledger)
    threads = [threading.Thread(target=lambda: verifier.verify(full=True)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == [False] * 5
