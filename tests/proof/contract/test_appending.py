"""Every store: what is answered stays, is the same when asked again, and cannot be changed by accident."""

# ruff: noqa: S608 - the statements are made of literals of this file

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from proof.errors import IdemConflictError, UnavailableError
from proof.format.chain import Head, check_entry
from proof.format.kinds import PART_ERASED, erased_idem
from proof.store import Commit, LedgerStore, Receipt, Verification
from proof.storing.draft import Draft
from tests.proof.samples import LOG, START, append, draft

if TYPE_CHECKING:
    from tests.proof.contract.houses import House


def test_an_empty_ledger_has_the_log_id_as_head(ledger: LedgerStore) -> None:
    """A new ledger starts at height 0 and verifies."""
    assert ledger.head == Head(0, LOG, 0)
    assert ledger.verify() == Verification(ok=True, height=0)


def test_receipts_chain(ledger: LedgerStore) -> None:
    """Each receipt names the leaf before it; the first names the log."""
    first, second = append(ledger, draft("a")), append(ledger, draft("b"))
    assert first == Receipt(0, first.leaf, LOG, 1, duplicate=False)
    assert second == Receipt(1, second.leaf, first.leaf, 2, duplicate=False)
    assert ledger.head.leaf == second.leaf


def test_what_is_stored_is_what_the_format_says(house: House) -> None:
    """Body, leaf, commitment and time of a stored entry follow from first principles."""
    store = house.open(clock=lambda: START)
    receipt = append(store, draft("a", "override", action={"z": 0.5, "a": "é"}))
    store.close()
    ((body, leaf),) = house.rows("SELECT body, leaf FROM entry")
    ((salt, data),) = house.rows("SELECT salt, data FROM part")
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


def test_an_erased_part_is_never_taken_for_equal(house: House, ledger: LedgerStore) -> None:
    """After an erasure a retry cannot be shown to be the same, so it is a conflict; the ledger verifies if it records it."""
    append(ledger, draft("a", action=1))
    house.type("UPDATE part SET salt = NULL, data = NULL")
    with pytest.raises(IdemConflictError):
        append(ledger, draft("a", action=1))
    unrecorded = ledger.verify()
    assert (unrecorded.ok, unrecorded.first_bad_seq) == (False, 0)
    append(ledger, Draft(erased_idem(0, "action"), PART_ERASED, {}))
    assert ledger.verify().ok


def test_entries_are_found_by_number_and_by_key(ledger: LedgerStore) -> None:
    """Both look-ups give the same entry; there is nothing at other numbers, however large, and keys."""
    append(ledger, draft("a", x=1))
    assert ledger.entry(0) == ledger.entry_by_idem("a") is not None
    assert [ledger.entry(seq) for seq in (1, -1, 2**53, 2**70)] == [None] * 4
    assert ledger.entry_by_idem("b") is None


def test_entries_are_read_in_order(ledger: LedgerStore) -> None:
    """A range is what single look-ups give, with its parts, and ends where the ledger does."""
    for number in range(7):
        parts: dict[str, Any] = {f"p{part}": number for part in range(number % 3)}
        append(ledger, draft(f"k{number}", **parts))
    singly = [ledger.entry(number) for number in range(7)]
    assert ledger.entries(0, 100) == singly
    assert ledger.entries(2, 3) == singly[2:5]
    assert ledger.entries(7, 10) == ledger.entries(2, 0) == []


def test_keys_are_found_by_their_beginning(ledger: LedgerStore) -> None:
    """Whatever characters follow; a prefix is a text and no pattern, and upper case is not lower case."""
    keys = ["a/1", "a/", "a%", "a_", "A/1", "b", "a/\U0010ffff"[:2] + "\U0001f525", "a/é", "a"]
    for key in keys:
        append(ledger, draft(key))
    for prefix in ("a/", "a", "a%", "a_", "A", "b/", "a/\U0001f525"):
        expected = [seq for seq, key in enumerate(keys) if key.startswith(prefix)]
        assert ledger.find(prefix, 0, 100) == expected, prefix
        assert ledger.find(prefix, 2, 2) == [seq for seq in expected if seq >= 2][:2]


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


def test_sixteen_threads_with_one_key_make_one_entry(ledger: LedgerStore) -> None:
    """However many say the same at once, it is said once."""
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: append(ledger, draft("same", action=1)), range(64)))
    assert {receipt.seq for receipt in receipts} == {0}
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert ledger.head.height == 1


def test_listeners_hear_of_every_commit_before_its_answers(ledger: LedgerStore) -> None:
    """Height and new kinds; a retry is no news."""
    heard: list[Commit] = []
    ledger.subscribe(heard.append)
    append(ledger, draft("a", "override"))
    assert heard == [Commit(1, frozenset({"override"}))]
    append(ledger, draft("a", "override"))
    append(ledger, draft("b"))
    assert heard[1:] == [Commit(2, frozenset({"command"}))]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET leaf = $null",
        "DELETE FROM entry",
        "INSERT INTO entry SELECT seq, idem, $null, body FROM entry WHERE true ON CONFLICT (seq) DO UPDATE SET leaf = $null",
        "UPDATE part SET data = $null",
        "UPDATE part SET name = 'other', salt = NULL, data = NULL",
        "DELETE FROM part",
        "UPDATE node SET hash = $null",
        "DELETE FROM node",
        "UPDATE checkpoint SET note = $null",
        "DELETE FROM checkpoint",
        "DELETE FROM head",
    ],
)
def test_the_tables_refuse_accidents(house: House, statement: str) -> None:
    """A statement typed into the database by mistake changes nothing."""
    with house.signed() as ledger:
        append(ledger.store, draft("a", x=1))
        append(ledger.store, draft("b", x=1))
        with pytest.raises(house.refusals):
            house.type(statement)
        assert ledger.verifier.verify(full=True).ok


def test_a_frozen_ledger_takes_nothing_and_shows_all(ledger: LedgerStore) -> None:
    """After a freeze appends are refused with the first reason; reading and verifying go on."""
    append(ledger, draft("a"))
    ledger.freeze("the disk smells")
    ledger.freeze("later")
    with pytest.raises(UnavailableError, match="the disk smells"):
        ledger.append(draft("b"))
    assert ledger.entry(0) is not None
    assert ledger.verify().ok


def test_a_damaged_entry_is_not_taken_for_a_first_receipt(house: House, ledger: LedgerStore) -> None:
    """A retry that meets a damaged entry freezes the ledger instead of answering from it."""
    append(ledger, draft("a"))
    house.change("UPDATE entry SET leaf = $zero")
    with pytest.raises(UnavailableError, match="leaf"):
        append(ledger, draft("a"))
    with pytest.raises(UnavailableError, match="frozen"):
        ledger.append(draft("b"))


@pytest.mark.parametrize("change", ["size = size + 1", "height = 0", "height = 2", "leaf = 'x'"])
def test_a_foreign_write_stops_the_writer(house: House, change: str) -> None:
    """If the head is not where this writer left it, nothing is written over it and the process is told to stop."""
    errors: list[BaseException] = []
    store = house.open(on_fatal=errors.append)
    append(store, draft("a"))
    house.change(f"UPDATE head SET {change}")
    with pytest.raises(UnavailableError):
        append(store, draft("b"))
    assert len(errors) == 1
    assert "somebody else wrote" in str(errors[0])
    assert store.head.height == 1
    with pytest.raises(UnavailableError, match="frozen"):
        store.append(draft("c"))
    store.close()
    assert len(house.rows("SELECT * FROM entry")) == 1


def test_a_foreign_entry_stops_the_writer(house: House) -> None:
    """An entry that somebody put where the next one belongs is not written over either."""
    errors: list[BaseException] = []
    store = house.open(on_fatal=errors.append)
    append(store, draft("a"))
    house.change("INSERT INTO entry VALUES (1, 'theirs', $zero, $braces)")
    with pytest.raises(UnavailableError):
        append(store, draft("b"))
    assert len(errors) == 1
    store.close()
    assert house.rows("SELECT idem FROM entry ORDER BY seq") == [("a",), ("theirs",)]
