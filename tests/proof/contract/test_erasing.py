"""Every store: a part is erased together with the entry that says so, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.erasing import ErasureError, erase
from proof.errors import IdemConflictError, ProofError, StartError
from proof.signing.keyfile import add_key
from proof.store import Receipt, beside
from tests.proof.contract.houses import DATABASE, House, PostgresHouse
from tests.proof.samples import IDENTITY, ORIGIN, append, draft
from tests.stack.postgres import OWNER

SECRET = "alice.the.approver@example.com"


@pytest.fixture
def filled(house: House) -> House:
    """A ledger with a person in it."""
    with house.signed() as ledger:
        append(ledger.store, draft("a", action=1, approval={"actor": SECRET}))
        append(ledger.store, draft("b"))
    return house


def dsn(house: House) -> str:
    """Return the DSN of somebody who may change parts."""
    return house.server.tcp_dsn(OWNER, DATABASE) if isinstance(house, PostgresHouse) else house.dsn


def erased(house: House, seq: int = 0, name: str = "approval", reason: str = "on request") -> Receipt:
    """Erase a part."""
    return erase(dsn(house), IDENTITY, beside(house.path)[1], seq, name, reason)


def test_what_is_erased_is_gone_and_recorded(filled: House) -> None:
    """Its salt and data are nowhere in the file any more, everything still verifies, and another try changes nothing."""
    receipt = erased(filled)
    assert (receipt.seq, receipt.duplicate) == (2, False)
    assert erased(filled) == Receipt(receipt.seq, receipt.leaf, receipt.prev, receipt.height, duplicate=True)
    with filled.signed() as ledger:
        entry, record = ledger.store.entry(0), ledger.store.entry(2)
        assert entry is not None
        assert record is not None
        assert {part.name: part.data for part in entry.parts} == {"action": b"1", "approval": None}
        assert record.idem == "part.erased/0/approval"
        assert record.parts[0].data == b'{"name":"approval","reason":"on request","seq":0,"type":"part.erased"}'
        assert ledger.verifier.verify(full=True).ok
        assert ledger.notary.covering(3, 30).tree.size == 3
    if filled.path.exists():
        assert SECRET.encode() not in b"".join(path.read_bytes() for path in filled.path.parent.glob("proof.db*"))


@pytest.mark.parametrize(("seq", "name"), [(0, "other"), (1, "action"), (7, "action"), (2**60, "action")])
def test_what_is_not_there_is_not_erased(filled: House, seq: int, name: str) -> None:
    """One line, and the ledger is as it was."""
    with pytest.raises(ErasureError):
        erased(filled, seq, name)
    with filled.opened() as store:
        assert store.head.height == 2


def test_the_keys_of_the_log_stay(filled: House) -> None:
    """Without the part of a rotation nobody could verify what was signed before."""
    add_key(beside(filled.path)[0], ORIGIN, "")
    with filled.signed():
        pass
    with pytest.raises(ErasureError, match="keys of the log"):
        erased(filled, 2, "rotation")


def test_another_reason_is_another_content(filled: House) -> None:
    """What is recorded stays as it is."""
    erased(filled)
    with pytest.raises(IdemConflictError):
        erased(filled, reason="another")


def test_nothing_is_erased_while_the_ledger_is_open(filled: House) -> None:
    """proofd has the lock."""
    with filled.signed(), pytest.raises(ProofError, match="another proofd"):
        erased(filled)


def test_an_older_copy_is_left_alone(filled: House) -> None:
    """A ledger that does not go on from the last signed checkpoint takes no entries, this one neither."""
    copy = filled.copy()
    with filled.signed() as ledger:
        append(ledger.store, draft("c"))
    filled.put_back(copy)
    with pytest.raises(StartError, match=r"older copy .* Nothing was erased"):
        erased(filled)
    with filled.opened() as store:
        assert store.head.height == 2


def test_a_role_that_may_not_changes_nothing(house: House, filled: House, tmp_path: Path) -> None:
    """proofd's own role on PostgreSQL cannot erase: the entry is not written either."""
    if not isinstance(house, PostgresHouse):
        return
    with pytest.raises(StartError, match="permission denied"):
        erase(house.dsn, IDENTITY, beside(house.path)[1], 0, "approval", "x")
    with filled.opened() as store:
        assert store.head.height == 2
        assert store.verify().ok
