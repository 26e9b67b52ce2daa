"""The store against any JSON, and against a dictionary under appends, retries, conflicts and restarts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proof.errors import IdemConflictError
from proof.store import Receipt, Verification
from tests.proof.samples import LOG, append, draft, json_data, open_ledger

if TYPE_CHECKING:
    pass


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
