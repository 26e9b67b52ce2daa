"""The SQLite store: what is answered stays, is the same when asked again, and cannot be changed by accident."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import sqlite3
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proof.chain import Head, check_entry
from proof.entry import log_id
from proof.errors import IdemConflictError, StartError, UnavailableError
from proof.store import LedgerStore, LogIdentity, Receipt, Verification, open_store, sqlite_path
from tests.proof.samples import IDENTITY, LOG, START, draft, json_data, open_ledger

if TYPE_CHECKING:
    from proof.draft import Draft


def append(store: LedgerStore, item: Draft) -> Receipt:
    """Append and wait for the commit."""
    return store.append(item).result(30)


def test_an_empty_ledger_has_the_log_id_as_head(ledger: LedgerStore) -> None:
    """A new file starts at height 0 and verifies."""
    assert ledger.head == Head(0, LOG, 0)
    assert ledger.verify() == Verification(ok=True, height=0)


def test_receipts_chain(ledger: LedgerStore) -> None:
    """Each receipt names the leaf before it; the first names the log."""
    first, second = append(ledger, draft("a")), append(ledger, draft("b"))
    assert first == Receipt(0, first.leaf, LOG, 1, duplicate=False)
    assert second == Receipt(1, second.leaf, first.leaf, 2, duplicate=False)
    assert ledger.head.leaf == second.leaf


def test_what_is_stored_is_what_the_format_says(path: Path) -> None:
    """Body, leaf, commitment and time of a stored entry follow from first principles."""
    store = open_store(f"sqlite:///{path}", IDENTITY, lambda _: None, lambda: START)
    receipt = append(store, draft("a", "override", action={"z": 0.5, "a": "é"}))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        body, leaf = db.execute("SELECT body, leaf FROM entry").fetchone()
        salt, data = db.execute("SELECT salt, data FROM part").fetchone()
    assert data == '{"a":"é","z":0.5}'.encode()
    commitment = hmac.new(salt, b"lumen/proof/v1/part\naction\n" + data, "sha256").hexdigest()
    assert body.decode() == (
        f'{{"at":"2026-01-31T12:00:00.000000Z","bytes":{len(data)},"idem":"a","key":"none","kind":"override",'
        f'"log":"{LOG}","parts":{{"action":"{commitment}"}},"prev":"{LOG}","seq":0,"v":1}}'
    )
    assert leaf.hex() == receipt.leaf == hashlib.sha256(b"\0" + body).hexdigest()


def test_salts_are_not_reused(ledger: LedgerStore) -> None:
    """Equal parts have different commitments, so that equality of erased content cannot be seen."""
    append(ledger, draft("a", x=1, y=1))
    append(ledger, draft("b", x=1))
    commitments = [
        value for seq in (0, 1) if (found := ledger.entry(seq)) for value in check_entry(found, LOG).parts.values()
    ]
    assert len(set(commitments)) == 3


def test_a_retry_gets_the_first_receipt(ledger: LedgerStore) -> None:
    """The same idem, kind and data, spelled in another order, is answered as before and adds nothing."""
    first = append(ledger, draft("a", action={"x": 1, "y": 2.0}))
    append(ledger, draft("b"))
    again = append(ledger, draft("a", action={"y": 2, "x": 1}))
    assert again == Receipt(first.seq, first.leaf, first.prev, first.height, duplicate=True)
    assert ledger.head.height == 2


@pytest.mark.parametrize(
    "other",
    [
        draft("a", "override", action=1),
        draft("a", action=2),
        draft("a", action="1"),
        draft("a", other=1),
        draft("a", action=1, more=1),
        draft("a"),
    ],
    ids=repr,
)
def test_other_content_under_a_used_key_is_a_conflict(ledger: LedgerStore, other: Draft) -> None:
    """Another kind, data or set of parts is refused with the number of the entry that holds the key."""
    append(ledger, draft("first"))
    append(ledger, draft("a", action=1))
    with pytest.raises(IdemConflictError) as caught:
        append(ledger, other)
    assert caught.value.seq == 1
    assert ledger.head.height == 2
    assert ledger.verify().ok


def test_an_erased_part_is_never_taken_for_equal(path: Path, ledger: LedgerStore) -> None:
    """After an erasure a retry cannot be shown to be the same, so it is a conflict; the chain still verifies."""
    append(ledger, draft("a", action=1))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE part SET salt = NULL, data = NULL")
    with pytest.raises(IdemConflictError):
        append(ledger, draft("a", action=1))
    assert ledger.verify().ok


def test_entries_are_found_by_number_and_by_key(ledger: LedgerStore) -> None:
    """Both look-ups give the same entry; there is nothing at other numbers, however large, and keys."""
    append(ledger, draft("a", x=1))
    assert ledger.entry(0) == ledger.entry_by_idem("a") is not None
    assert [ledger.entry(seq) for seq in (1, -1, 2**53, 2**70)] == [None] * 4
    assert ledger.entry_by_idem("b") is None


def test_appends_that_wait_together_all_get_their_own_answer(ledger: LedgerStore) -> None:
    """A conflict in a batch spoils nothing for its neighbours, and a retry in the same batch is a duplicate."""
    futures = [ledger.append(draft(f"k{n % 50}", action=n // 100)) for n in range(200)]
    answers = [future.exception(30) or future.result() for future in futures]
    assert sorted(a.seq for a in answers[:50] if isinstance(a, Receipt) and not a.duplicate) == list(range(50))
    assert all(isinstance(a, Receipt) and a.duplicate for a in answers[50:100])
    assert all(isinstance(a, IdemConflictError) for a in answers[100:])
    assert ledger.verify() == Verification(ok=True, height=50)


def test_sixteen_threads_make_one_chain(ledger: LedgerStore) -> None:
    """Concurrent callers get consecutive numbers and a chain that verifies."""
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda n: append(ledger, draft(f"k{n}", action=n)), range(320)))
    assert sorted(receipt.seq for receipt in receipts) == list(range(320))
    assert ledger.verify() == Verification(ok=True, height=320)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET leaf = x'00'",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT seq, idem, x'00', body FROM entry",
        "UPDATE part SET data = x'00'",
        "UPDATE part SET name = 'other', salt = NULL, data = NULL",
        "DELETE FROM part",
        "DELETE FROM head",
    ],
)
def test_the_tables_refuse_accidents(path: Path, ledger: LedgerStore, statement: str) -> None:
    """A statement typed into the database by mistake changes nothing."""
    append(ledger, draft("a", x=1))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA recursive_triggers=ON")
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(statement)
    assert ledger.verify().ok


def test_a_frozen_ledger_takes_nothing_and_shows_all(ledger: LedgerStore) -> None:
    """After a freeze appends are refused with the first reason; reading and verifying go on."""
    append(ledger, draft("a"))
    ledger.freeze("the disk smells")
    ledger.freeze("later")
    with pytest.raises(UnavailableError, match="the disk smells"):
        ledger.append(draft("b"))
    assert ledger.entry(0) is not None
    assert ledger.verify().ok


def test_a_damaged_entry_is_not_taken_for_a_first_receipt(path: Path, ledger: LedgerStore) -> None:
    """A retry that meets a damaged entry freezes the ledger instead of answering from it."""
    append(ledger, draft("a"))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute("UPDATE entry SET leaf = zeroblob(32)")
    with pytest.raises(UnavailableError, match="leaf"):
        append(ledger, draft("a"))
    with pytest.raises(UnavailableError, match="frozen"):
        ledger.append(draft("b"))


def test_a_foreign_write_stops_the_writer(path: Path) -> None:
    """If the head is not where this writer left it, nothing is written over it and the process is told to stop."""
    errors: list[BaseException] = []
    store = open_store(f"sqlite:///{path}", IDENTITY, errors.append)
    append(store, draft("a"))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE head SET size = size + 1")
    with pytest.raises(UnavailableError):
        append(store, draft("b"))
    assert len(errors) == 1
    assert "somebody else wrote" in str(errors[0])
    assert store.head.height == 1
    store.close()


def test_verification_sees_a_replaced_file(path: Path, ledger: LedgerStore) -> None:
    """A restored older copy under the running process is a valid chain, but not the one that was acknowledged."""
    append(ledger, draft("a"))
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(f"{path}.old")) as copy,
    ):
        source.backup(copy)
    append(ledger, draft("b"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    path.with_name("proof.db.old").rename(path)
    result = ledger.verify()
    assert (result.ok, result.first_bad_seq) == (False, 1)
    assert "missing" in (result.reason or "")


def test_the_file_is_private(path: Path, ledger: LedgerStore) -> None:
    """Nobody but the owner reads the ledger or its write-ahead log."""
    append(ledger, draft("a"))
    names = [path, path.with_name("proof.db-wal"), path.with_name("proof.db.lock")]
    assert [stat.S_IMODE(name.stat().st_mode) for name in names] == [0o600] * 3


def test_a_second_opening_is_refused(path: Path, ledger: LedgerStore) -> None:
    """A ledger that is open cannot be opened again, not even by way of a symbolic link."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(StartError, match=rf"open in another proofd \(process {os.getpid()}\)"):
            open_ledger(name)


def test_closing_releases_everything(path: Path) -> None:
    """After closing, also twice, appends are refused and the ledger opens again with what it had."""
    store = open_ledger(path)
    head = (append(store, draft("a")), store.head)[1]
    store.close()
    store.close()
    with pytest.raises(UnavailableError):
        store.append(draft("b"))
    with pytest.raises(UnavailableError):
        store.entry(0)
    again = open_ledger(path)
    assert again.head == head
    again.close()


@pytest.mark.parametrize(("origin", "salt"), [("example.com/other", b"pepper"), ("example.com/ledger", b"salt")])
def test_another_origin_or_salt_is_another_log(path: Path, origin: str, salt: bytes) -> None:
    """A ledger opens only under the names it was made with, even while it is empty; the salt is not shown."""
    open_ledger(path).close()
    with pytest.raises(StartError, match="belongs to another log") as caught:
        open_ledger(path, LogIdentity(origin, log_id(origin, salt)))
    assert "pepper" not in str(caught.value)


@pytest.mark.parametrize("content", [b"not a database, but as long as the header of one" * 30, b"x", b""])
def test_a_file_that_is_no_ledger_is_refused_untouched(path: Path, content: bytes) -> None:
    """A wrong, cut or emptied file is refused in one line and left as it is: only an absent file makes a new ledger."""
    path.write_bytes(content)
    with pytest.raises(StartError, match=r"cannot be opened|not a Lumen ledger"):
        open_ledger(path)
    assert path.read_bytes() == content


def test_a_log_without_its_ledger_is_refused(path: Path) -> None:
    """A write-ahead log left beside a missing file is not replayed into a new ledger."""
    path.with_name("proof.db-wal").write_bytes(b"x")
    with pytest.raises(StartError, match="write-ahead log"):
        open_ledger(path)


def test_an_interrupted_creation_is_no_obstacle(path: Path) -> None:
    """What a start left behind when it was killed while making a new ledger is replaced."""
    path.with_name("proof.db.new").write_bytes(b"half")
    open_ledger(path).close()
    assert not path.with_name("proof.db.new").exists()


def test_a_foreign_database_is_refused_untouched(path: Path) -> None:
    """A database of somebody else is not turned into a ledger."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
    before = path.read_bytes()
    with pytest.raises(StartError, match="not a Lumen ledger"):
        open_ledger(path)
    assert path.read_bytes() == before


def test_a_later_layout_is_refused(path: Path) -> None:
    """A ledger written by a later program is not touched."""
    open_ledger(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=2")
    with pytest.raises(StartError, match="layout 2"):
        open_ledger(path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A mistyped path does not make a new, empty ledger."""
    with pytest.raises(StartError, match="does not exist"):
        open_ledger(tmp_path / "typo" / "proof.db")


@pytest.mark.parametrize("dsn", ["sqlite:////a/b.db", "sqlite:///b.db"])
def test_a_dsn_names_a_file(dsn: str) -> None:
    """Four slashes are absolute, three relative."""
    assert sqlite_path(dsn) == Path(dsn[10:])


@pytest.mark.parametrize(
    "dsn", ["", "proof.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:////", "postgresql://u:secret@h/d"]
)
def test_other_dsns_are_refused_without_quoting_them(dsn: str) -> None:
    """What is not a file of SQLite is refused, and a password in it is not repeated."""
    with pytest.raises(StartError, match="PROOF_DSN") as caught:
        sqlite_path(dsn)
    assert "secret" not in str(caught.value)


@given(data=json_data)
@settings(max_examples=40)
def test_any_json_survives(data: Any) -> None:
    """Whatever a part holds, its retry is a duplicate after a restart, and the ledger verifies."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proof.db"
        store = open_ledger(path)
        first = append(store, draft("k", action=data))
        store.close()
        store = open_ledger(path)
        assert append(store, draft("k", action=data)) == Receipt(0, first.leaf, LOG, 1, duplicate=True)
        assert store.verify().ok
        store.close()


class LedgerMachine(RuleBasedStateMachine):
    """Appends, retries, conflicts and restarts in any order, against a dictionary."""

    def __init__(self) -> None:
        """Open a new ledger."""
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "proof.db"
        self.store = open_ledger(self.path)
        self.model: dict[str, tuple[Any, Receipt]] = {}

    def teardown(self) -> None:
        """Close and remove it."""
        self.store.close()
        self.folder.cleanup()

    @rule(data=json_data)
    def append_new(self, data: Any) -> None:
        """A new key gets the next number."""
        idem = f"key-{len(self.model)}"
        receipt = append(self.store, draft(idem, action=data))
        assert (receipt.seq, receipt.height, receipt.duplicate) == (len(self.model), len(self.model) + 1, False)
        self.model[idem] = (data, receipt)

    @precondition(lambda self: self.model)
    @rule(choice=st.data())
    def retry(self, choice: st.DataObject) -> None:
        """A used key with the same data gets its first receipt."""
        idem = choice.draw(st.sampled_from(sorted(self.model)))
        data, first = self.model[idem]
        expected = Receipt(first.seq, first.leaf, first.prev, first.height, duplicate=True)
        assert append(self.store, draft(idem, action=data)) == expected

    @precondition(lambda self: self.model)
    @rule(choice=st.data())
    def conflict(self, choice: st.DataObject) -> None:
        """A used key with other data is refused."""
        idem = choice.draw(st.sampled_from(sorted(self.model)))
        data, first = self.model[idem]
        with pytest.raises(IdemConflictError) as caught:
            append(self.store, draft(idem, action=[data]))
        assert caught.value.seq == first.seq

    @rule()
    def reopen(self) -> None:
        """A restart changes nothing."""
        before = self.store.head
        self.store.close()
        self.store = open_ledger(self.path)
        assert self.store.head == before

    @invariant()
    def verifies(self) -> None:
        """The ledger verifies at every moment and holds what was acknowledged."""
        assert self.store.verify() == Verification(ok=True, height=len(self.model))


LedgerMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
