"""PostgreSQL dies, or the way to it: nothing acknowledged is lost, nothing is doubled, and somebody is told."""

from __future__ import annotations

import contextlib
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from proof.errors import StartError, UnavailableError
from proof.postgres.session import Timing
from proof.postgres.store import PostgresStore
from proof.postgres.tables import PostgresError
from proof.store import Verification, utc_now
from proof.verifying import Verifier
from tests.proof.contract.houses import DATABASE
from tests.proof.postgres.gates import Gate
from tests.proof.samples import IDENTITY, append, draft
from tests.proof.serving import AUTH, ProofdProcess, payload, proofd_process
from tests.stack.postgres import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proof.store import LedgerStore
    from tests.proof.contract.houses import PostgresHouse

SECONDS = 60.0


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def append_until_refused(proofd: ProofdProcess, name: str) -> tuple[list[dict[str, Any]], int]:
    """Append until an answer is not 200; return what was acknowledged, with its idem, and how many were asked for."""
    acknowledged: list[dict[str, Any]] = []
    with httpx.Client(base_url=proofd.url, headers=AUTH, timeout=SECONDS) as client:
        for number in itertools.count():
            idem = f"{name}/{number}"
            with contextlib.suppress(httpx.TransportError):
                answer = client.post("/append", json=payload(idem, action=number))
                if answer.status_code == httpx.codes.OK:
                    acknowledged.append({"idem": idem, **answer.json()})
                    continue
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            return acknowledged, number + 1
    raise AssertionError("unreachable")


@pytest.mark.parametrize("end", ["kill", "immediate"])
def test_a_database_that_dies_loses_and_doubles_nothing(house: PostgresHouse, end: str) -> None:
    """Three times in the middle of appends by four clients; after it every retry meets its first entry, once."""
    server = house.server
    acknowledged: list[dict[str, Any]] = []
    asked: dict[str, int] = {}
    for life in range(3):
        with proofd_process(house.path, dsn=house.dsn) as proofd, ThreadPoolExecutor(4) as pool:
            assert proofd.url, proofd.end()
            names = [f"{life}/{number}" for number in range(4)]
            clients = {name: pool.submit(append_until_refused, proofd, name) for name in names}
            with httpx.Client(base_url=proofd.url, timeout=30) as watcher:
                start = watcher.get("/head").json()["height"]
                while watcher.get("/head").json()["height"] < start + 20:
                    pass
            server.kill() if end == "kill" else server.stop(immediately=True)
            code, errors = proofd.end()
            for name, waiting in clients.items():
                done, asked[name] = waiting.result(SECONDS)
                acknowledged += done
        server.start()
        assert code == 1
        assert errors.splitlines()[-1].startswith("proofd stopped: ")
        assert "Restart it" in errors.splitlines()[-1]
    assert len(acknowledged) >= 3 * (20 - 4)
    with proofd_process(house.path, dsn=house.dsn) as proofd:
        assert proofd.url, proofd.end()
        with httpx.Client(base_url=proofd.url, headers=AUTH, timeout=SECONDS) as client:
            assert client.post("/verify").json()["ok"] is True
            for receipt in acknowledged:
                entry = client.get("/entries", params={"idem": receipt["idem"]}).json()
                assert (entry["seq"], entry["leaf"], entry["prev"]) == (
                    receipt["seq"],
                    receipt["leaf"],
                    receipt["prev"],
                )
            for name, count in asked.items():
                for number in range(count):
                    again = client.post("/append", json=payload(f"{name}/{number}", action=number))
                    assert again.status_code == httpx.codes.OK
            assert client.get("/head").json()["height"] == sum(asked.values())
            assert client.post("/verify").json()["ok"] is True


def test_an_idle_proofd_notices(house: PostgresHouse) -> None:
    """With nothing to write it ends all the same, by itself, with a line that says what happened."""
    with proofd_process(house.path, dsn=house.dsn, lease=5) as proofd:
        assert proofd.url, proofd.end()
        end_sessions(house, "writer")
        code, errors = proofd.end()
    assert code == 1
    line = errors.splitlines()[-1]
    assert line.startswith("proofd stopped: the session with the right to write was lost (")
    assert "terminating connection due to administrator command" in line


def test_a_start_without_the_server_is_one_line(house: PostgresHouse) -> None:
    """While PostgreSQL is down proofd does not start, and says where it looked."""
    house.server.stop()
    try:
        with pytest.raises(StartError, match="PROOF_DSN") as caught:
            house.open()
    finally:
        house.server.start()
    assert str(house.server.port) in str(caught.value)
    assert "\n" not in str(caught.value)


def end_sessions(house: PostgresHouse, purpose: str) -> None:
    """Let the administrator end the sessions of proofd with this purpose."""
    sessions = "FROM pg_stat_activity WHERE application_name LIKE"
    house.rows(f"SELECT pg_terminate_backend(pid, 10000) {sessions} '% {purpose} %'")


def test_a_reader_connects_again(house: PostgresHouse, ledger: LedgerStore) -> None:
    """The end of the session that only reads is nothing that anybody has to hear of."""
    append(ledger, draft("a"))
    assert ledger.entry(0) is not None
    for _ in range(3):
        end_sessions(house, "reader")
        assert ledger.entry(0) is not None
    assert append(ledger, draft("b")).seq == 1


def test_what_cannot_be_checked_is_not_broken(house: PostgresHouse) -> None:
    """While the server is away a check says neither yes nor no, nothing is frozen by it, and the last yes goes stale."""
    now = [1000.0]
    store = PostgresStore.open(house.dsn, IDENTITY, lambda _: None, utc_now, Timing(lease=3600, beat=3600))
    verifier = Verifier(store, 0.05, lambda: now[0])
    append(store, draft("a"))
    house.server.kill()
    try:
        for check in (lambda: store.verify(full=True), lambda: verifier.verify(full=False), lambda: store.entry(0)):
            with pytest.raises(UnavailableError, match="does not answer"):
                check()
        verifier.start()
        assert store.failure is None
        assert verifier.ok
        now[0] += 1.0
        assert not verifier.ok
    finally:
        house.server.start()
    until(lambda: verifier.ok, "the check did not go on by itself")
    assert store.failure is None
    verifier.close()
    with pytest.raises(UnavailableError):
        append(store, draft("b"))  # the session of the writer is gone: this process must end
    assert store.failure
    store.close()
    with house.opened() as again:
        assert again.head.height == 1


def test_a_commit_that_did_nothing_is_no_commit(house: PostgresHouse) -> None:
    """A transaction that failed is rolled back by COMMIT without an error: the answer is read, not assumed."""
    errors: list[BaseException] = []
    store = PostgresStore.open(house.dsn, IDENTITY, errors.append, utc_now)
    tables = store._tables
    tables.begin([])
    with pytest.raises(Exception, match="division"):
        tables._session.execute("SELECT 1 / 0")
    with pytest.raises(PostgresError, match="COMMIT was answered with ROLLBACK"):
        tables.commit()
    tables.abandon()
    store.close()


@pytest.fixture
def gate(house: PostgresHouse) -> Iterator[Gate]:
    """Yield a proxy before the server."""
    gate = Gate(house.server.port)
    yield gate
    gate.close()


def through(gate: Gate, house: PostgresHouse) -> str:
    """Return the DSN by way of the gate."""
    return house.dsn.replace(f":{house.server.port}/", f":{gate.port}/") + "?sslmode=disable"


def test_every_piece_of_an_append_may_be_the_last(house: PostgresHouse, gate: Gate) -> None:
    """The connection is lost after each piece that client or server sends: acknowledged is kept, and a retry is one entry."""
    outcomes: dict[bool, list[bool]] = {True: [], False: []}
    for pieces in itertools.count():
        errors: list[BaseException] = []
        gate.budget = None
        store = PostgresStore.open(through(gate, house), IDENTITY, errors.append, utc_now, Timing(beat=3600))
        height = store.head.height
        append(store, draft(f"before-{pieces}"))
        gate.budget = pieces
        future = store.append(draft(f"cut-{pieces}", action=pieces))
        acknowledged = future.exception(SECONDS) is None
        gate.budget = None
        store.close()
        assert acknowledged is not bool(errors)
        with house.opened() as again:  # which waits for the end of the session that was cut off
            kept = again.entry_by_idem(f"cut-{pieces}") is not None
            assert kept or not acknowledged
            outcomes[acknowledged].append(kept)
            assert append(again, draft(f"cut-{pieces}", action=pieces)).duplicate is kept
            assert again.verify() == Verification(ok=True, height=height + 2)
        if acknowledged:
            break
    assert len(outcomes[False]) >= 6
    assert set(outcomes[False]) == {True, False}  # before the commit, and between it and its answer


def test_a_commit_without_its_standby_is_not_acknowledged(house: PostgresHouse) -> None:
    """If somebody cancels the wait for a synchronous standby, the entries may be on one machine only: that is no yes."""
    errors: list[BaseException] = []
    store = PostgresStore.open(house.dsn, IDENTITY, errors.append, utc_now)
    append(store, draft("a"))
    with house.server.admin() as admin:
        house.server.set(admin, "synchronous_standby_names", "nobody")
        try:
            future = store.append(draft("b"))
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            until(lambda: bool(admin.execute(waiting).fetchall()), "no wait for the standby")
            assert not future.done()
            admin.execute(f"SELECT pg_cancel_backend(pid) FROM ({waiting}) AS waiting")  # noqa: S608 - a literal
            with pytest.raises(UnavailableError):
                future.result(SECONDS)
        finally:
            house.server.set(admin, "synchronous_standby_names", None)
    assert ["warning: canceling wait for synchronous replication" in str(error) for error in errors] == [True]
    store.close()


def test_a_commit_whose_answer_is_lost_is_looked_up_by_the_next_start(house: PostgresHouse, gate: Gate) -> None:
    """Nobody knows what became of it: the caller is told to come back, the process ends, and the retry finds the entry."""
    errors: list[BaseException] = []
    store = PostgresStore.open(through(gate, house), IDENTITY, errors.append, utc_now)
    first = append(store, draft("a"))
    gate.swallow.set()
    with pytest.raises(UnavailableError, match="retry after its restart"):
        append(store, draft("b", action=1))
    assert gate.swallowed.is_set()
    assert len(errors) == 1
    assert store.failure
    with pytest.raises(UnavailableError, match="frozen"):
        store.append(draft("b", action=1))
    store.close()
    assert [idem for (idem,) in house.rows("SELECT idem FROM entry ORDER BY seq")] == ["a", "b"]
    with house.opened() as again:
        receipt = append(again, draft("b", action=1))
        assert (receipt.seq, receipt.prev, receipt.duplicate) == (1, first.leaf, True)
        assert again.verify() == Verification(ok=True, height=2)


def test_the_password_stays_out_of_every_failure(house: PostgresHouse, caplog: pytest.LogCaptureFixture) -> None:
    """What is logged, frozen with and raised when the server goes away names no secret."""
    errors: list[BaseException] = []
    store = PostgresStore.open(
        house.server.tcp_dsn(SERVICE, DATABASE), IDENTITY, errors.append, utc_now, Timing(beat=0.05)
    )
    end_sessions(house, "writer")
    until(lambda: bool(errors), "the loss was not noticed")
    store.close()
    said = " ".join([caplog.text, str(store.failure), *map(repr, errors)])
    assert "w0rd" not in said
    assert "lost" in said
