"""Appending in the calling thread: the same entries, answers and failures as by the writer's own, and never beside it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from proof.errors import BrokenChainError, IdemConflictError, ProofError, UnavailableError
from proof.format.chain import check_entry
from proof.store import Commit, LedgerStore, Receipt
from tests.proof.contract.houses import House
from tests.proof.samples import LOG, append, append_now, draft


def receipts(answers: list[Receipt | ProofError]) -> list[Receipt]:
    """Return the answers, none of which is a refusal."""
    found = [answer for answer in answers if isinstance(answer, Receipt)]
    assert len(found) == len(answers)
    return found


def test_many_are_one_transaction_and_one_chain(ledger: LedgerStore) -> None:
    """A hundred drafts are one commit, by this thread when nobody else writes, and each has its own receipt in order."""
    commits: list[tuple[Commit, int]] = []
    ledger.subscribe(lambda commit: commits.append((commit, threading.get_ident())))
    found = receipts(ledger.append_now([draft(f"k{number}", action=number) for number in range(100)]))
    assert [receipt.seq for receipt in found] == list(range(100))
    assert [receipt.prev for receipt in found] == [LOG, *(receipt.leaf for receipt in found[:-1])]
    assert commits == [(Commit(100, frozenset({"command"})), threading.get_ident())]
    assert ledger.append_now([]) == []
    assert ledger.head.leaf == found[-1].leaf
    assert ledger.seal().size == 100
    assert ledger.verify().ok


def test_each_has_its_own_answer(ledger: LedgerStore) -> None:
    """One that is refused does not take the others with it, and a retry gets the first receipt."""
    first = append_now(ledger, draft("a", action=1))
    again, conflict, new, twice = ledger.append_now(
        [draft("a", action=1), draft("a", action=2), draft("b", action=1), draft("b", action=1)]
    )
    assert again == Receipt(first.seq, first.leaf, first.prev, first.height, duplicate=True)
    assert isinstance(conflict, IdemConflictError)
    assert isinstance(new, Receipt)
    assert twice == Receipt(new.seq, new.leaf, new.prev, new.height, duplicate=True)
    assert ledger.head.height == 2


def test_sixteen_threads_of_both_kinds_make_one_chain(ledger: LedgerStore) -> None:
    """Some wait for the writer, some write by themselves when it is idle: no gap, no duplicate, every receipt is true."""

    def call(caller: int) -> list[Receipt]:
        drafts = [draft(f"{caller}/{number}", action=number) for number in range(24)]
        if caller % 3 == 0:
            return [append(ledger, item) for item in drafts]
        if caller % 3 == 1:
            return [append_now(ledger, item) for item in drafts]
        return receipts(ledger.append_now(drafts[:10]) + ledger.append_now(drafts[10:]))

    with ThreadPoolExecutor(16) as pool:
        found = [receipt for several in pool.map(call, range(16)) for receipt in several]
    assert sorted(receipt.seq for receipt in found) == list(range(16 * 24))
    assert ledger.verify().ok
    assert ledger.seal().size == ledger.head.height == 16 * 24
    entries = {entry.seq: entry for entry in ledger.entries(0, 1000)}
    assert len({check_entry(entry, LOG).idem for entry in entries.values()}) == 16 * 24
    assert all(entries[receipt.seq].leaf.hex() == receipt.leaf for receipt in found)


def test_a_failure_in_the_calling_thread_stops_the_process(house: House) -> None:
    """A write that fails is told to the process once, from the thread that wrote; nobody writes after it, in no thread."""
    fatal: list[tuple[BaseException, int]] = []
    store = house.open(on_fatal=lambda error: fatal.append((error, threading.get_ident())))
    append_now(store, draft("a"))
    house.change("UPDATE head SET height = 7")
    answers = store.append_now([draft("b"), draft("c")])
    assert [type(answer) for answer in answers] == [UnavailableError] * 2
    assert [(type(error), thread) for error, thread in fatal] == [(BrokenChainError, threading.get_ident())]
    assert store.failure is not None
    with pytest.raises(UnavailableError):
        store.append(draft("d"))
    assert [type(answer) for answer in store.append_now([draft("e")])] == [UnavailableError]
    store.close()
    assert house.rows("SELECT seq FROM entry") == [(0,)]


def test_a_frozen_or_closed_ledger_takes_nothing(house: House) -> None:
    """The answers say so; nothing is raised."""
    store = house.open()
    store.freeze("enough")
    [answer] = store.append_now([draft("a")])
    assert "enough" in str(answer)
    store.close()
    with house.opened() as again:
        assert again.head.height == 0
    [answer] = again.append_now([draft("a")])
    assert isinstance(answer, UnavailableError)
