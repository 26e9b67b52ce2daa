"""One writer: a second proofd is refused, and one that was thought dead never commits again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from proof.errors import BrokenChainError, StartError, UnavailableError
from proof.format.chain import Head
from proof.postgres import store as store_module
from proof.postgres.session import Timing
from proof.postgres.store import PostgresStore
from proof.store import Receipt, Verification, beside, utc_now
from proof.storing.sequencer import Addition
from tests.proof.samples import IDENTITY, append, draft, unexpected
from tests.proof.serving import AUTH, ProofdProcess, payload, proofd_process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.proof.contract.houses import PostgresHouse

SECONDS = 60.0
LEASE = 2.0


def open_impatiently(house: PostgresHouse, timing: Timing, errors: list[BaseException]) -> PostgresStore:
    """Open the ledger with other times; what ends the process goes into ``errors``."""
    return PostgresStore.open(house.dsn, IDENTITY, errors.append, utc_now, timing)


def test_a_second_proofd_is_told_who_has_the_ledger(house: PostgresHouse) -> None:
    """The refusal names process, host and session, and what to do when that one hangs."""
    with house.opened() as store:
        append(store, draft("a"))
        started = time.monotonic()
        with pytest.raises(StartError, match="open in another proofd") as caught:
            open_impatiently(house, Timing(patience=0.2), [])
        assert time.monotonic() - started < SECONDS
        ((pid, name),) = house.rows(
            "SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory'"
        )
        assert f"pg_terminate_backend({pid})" in str(caught.value)
        assert name in str(caught.value)
        assert append(store, draft("b")).seq == 1


def test_without_the_lock_the_head_still_fences(house: PostgresHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers that both believe to be alone: the one whose head is no longer the last ends at its next append."""
    monkeypatch.setattr(store_module, "take_lock", lambda *_: None)
    errors: list[BaseException] = []
    first = open_impatiently(house, Timing(), errors)
    append(first, draft("a"))
    second = open_impatiently(house, Timing(), [])
    append(second, draft("b"))
    with pytest.raises(UnavailableError):
        append(first, draft("c"))
    assert ["somebody else wrote" in str(error) for error in errors] == [True]
    with pytest.raises(UnavailableError, match="frozen"):
        first.append(draft("d"))
    assert append(second, draft("e")).seq == 2
    assert second.verify() == Verification(ok=True, height=3)
    first.close()
    second.close()


def test_two_writers_at_once_make_one_chain(house: PostgresHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lock and at full speed: one of them wins, the other ends, and nothing is written twice or in between."""
    monkeypatch.setattr(store_module, "take_lock", lambda *_: None)
    errors: list[BaseException] = []
    stores = [open_impatiently(house, Timing(), errors) for _ in range(2)]
    futures: dict[str, Future[Receipt]] = {}
    for number in range(200):
        for name, store in enumerate(stores):
            with contextlib.suppress(UnavailableError):  # the one that lost takes no more
                futures[f"{name}/{number}"] = store.append(draft(f"{name}/{number}"))
    acknowledged = {idem: future.result(30) for idem, future in futures.items() if future.exception(30) is None}
    assert len(errors) == 1
    for store in stores:
        store.close()
    with house.opened() as again:
        assert again.verify().ok
        assert again.head.height == len(acknowledged) == 200
        for idem, receipt in acknowledged.items():
            found = again.entry_by_idem(idem)
            assert found is not None
            assert (found.seq, found.leaf.hex()) == (receipt.seq, receipt.leaf)


def test_the_head_is_locked_from_the_first_statement_on(house: PostgresHouse) -> None:
    """Who else wants to move it waits until the transaction has ended, and then sees that it was moved."""
    store = open_impatiently(house, Timing(), [])
    store._tables.begin([])
    with house.service() as db, pytest.raises(psycopg.errors.LockNotAvailable):
        db.execute("SELECT * FROM head FOR UPDATE NOWAIT")
    store._tables.commit()
    with house.service() as db:
        assert len(db.execute("SELECT * FROM head FOR UPDATE NOWAIT").fetchall()) == 1
    store.close()


def test_the_head_moves_only_from_where_it_was(house: PostgresHouse) -> None:
    """Should all other protection fail: the statement that moves it names the place from which it moves."""
    store = open_impatiently(house, Timing(), [])
    append(store, draft("a"))
    head = store.head
    tables = store._tables
    for wrong in (Head(0, head.leaf, head.size), Head(1, "x", head.size), Head(1, head.leaf, 0)):
        tables.begin([])
        with pytest.raises(BrokenChainError, match="somebody else wrote"):
            tables.write(Addition(wrong, Head(2, "x", 0)))
        tables.commit()
    assert house.rows("SELECT height, leaf, size FROM head") == [(head.height, head.leaf, head.size)]
    assert append(store, draft("b")).seq == 1
    store.close()


def test_a_pooler_that_mixes_sessions_is_noticed(house: PostgresHouse) -> None:
    """A lock that belongs to another session protects nothing: the first transaction in one ends the process."""
    errors: list[BaseException] = []
    store = open_impatiently(house, Timing(), errors)
    store._tables._process = (0,)  # as if the lock had been taken through another session
    with pytest.raises(UnavailableError):
        append(store, draft("a"))
    assert ["pooler" in str(error) for error in errors] == [True]
    store.close()
    assert house.rows("SELECT * FROM entry") == []


def test_a_writer_stuck_inside_its_transaction_is_replaced(house: PostgresHouse) -> None:
    """It holds lock and row: PostgreSQL ends its session after the lease, another one takes over, and it never commits."""
    inside, release = threading.Event(), threading.Event()

    def clock() -> datetime:
        inside.set()
        assert release.wait(4 * SECONDS)
        return utc_now()

    errors: list[BaseException] = []
    stuck = PostgresStore.open(house.dsn, IDENTITY, errors.append, clock, Timing(lease=1.0, beat=0.1))
    waiting = stuck.append(draft("stuck"))
    assert inside.wait(SECONDS)
    with pytest.raises(StartError, match="open in another proofd"):
        open_impatiently(house, Timing(patience=0.1), [])
    second = open_impatiently(house, Timing(patience=SECONDS), [])
    assert append(second, draft("a")).seq == 0
    release.set()
    with pytest.raises(UnavailableError, match="write failed"):
        waiting.result(SECONDS)
    assert len(errors) == 1
    stuck.close()
    assert append(second, draft("b")).seq == 1
    assert second.verify() == Verification(ok=True, height=2)
    assert second.entry_by_idem("stuck") is None
    second.close()


def test_a_silent_writer_keeps_its_session_only_with_a_heartbeat(house: PostgresHouse) -> None:
    """Nothing to write for longer than the lease costs nothing: the thread that gives signs of life is enough."""
    store = PostgresStore.open(house.dsn, IDENTITY, unexpected, utc_now, Timing(lease=0.8, beat=0.1))
    (before,) = sessions(house)
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        time.sleep(0.1)
    assert sessions(house) == [before]
    assert append(store, draft("a")).seq == 0
    store.close()


def sessions(house: PostgresHouse) -> list[int]:
    """Return the processes of PostgreSQL that hold the lock of the writer."""
    return [pid for (pid,) in house.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")]


class Load:
    """Appends to a proofd, one after the other, until it no longer answers."""

    def __init__(self, proofd: ProofdProcess, name: str) -> None:
        """Start at once."""
        self.acknowledged: list[str] = []
        self.asked: list[str] = []
        self._url = proofd.url
        self._name = name
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, headers=AUTH, timeout=SECONDS) as client:
            while True:
                idem = f"{self._name}/{len(self.asked)}"
                self.asked.append(idem)
                try:
                    answer = client.post("/append", json=payload(idem, action="x" * 200))
                except httpx.TransportError:
                    return
                if answer.status_code != httpx.codes.OK:
                    return
                self.acknowledged.append(idem)

    def wait(self, count: int) -> None:
        """Wait until so many appends were acknowledged."""
        deadline = time.monotonic() + SECONDS
        while len(self.acknowledged) < count:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("after", [1, 7, 20])
def test_a_paused_proofd_never_commits_again(house: PostgresHouse, tmp_path: Path, after: int) -> None:
    """Stopped in the middle of appends, replaced by another one, continued: it ends, and the chain is the other one's."""
    elsewhere = tmp_path / "elsewhere" / "postgresql"
    with proofd_process(house.path, dsn=house.dsn, lease=LEASE) as first:
        assert first.url, first.end()
        load = Load(first, "first")
        load.wait(after)
        first.process.send_signal(signal.SIGSTOP)
        for source, target in zip(beside(house.path), beside(elsewhere), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(
                source, target
            )  # the second machine has the same key, and the last checkpoint from where it is kept
        with (
            proofd_process(elsewhere, dsn=house.dsn, lease=LEASE) as second,
            httpx.Client(base_url=second.url, headers=AUTH, timeout=SECONDS) as client,
        ):
            assert second.url, second.end()
            height = client.get("/head").json()["height"]
            assert client.post("/append", json=payload("second/0")).raise_for_status().json()["seq"] == height
            first.process.send_signal(signal.SIGCONT)
            load.join()
            code, errors = first.end()
            assert code == 1
            assert errors.splitlines()[-1].startswith("proofd stopped: ")
            assert client.post("/append", json=payload("second/1")).raise_for_status().json()["seq"] == height + 1
            assert client.post("/verify").json() == {
                "ok": True,
                "height": height + 2,
                "first_bad_seq": None,
                "reason": None,
            }
    kept = [idem for (idem,) in house.rows("SELECT idem FROM entry ORDER BY seq")]
    assert kept == [*load.asked[:height], "second/0", "second/1"]
    assert kept[: len(load.acknowledged)] == load.acknowledged
