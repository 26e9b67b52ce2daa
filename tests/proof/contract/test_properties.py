"""Every store against any JSON, and against a dictionary under appends, retries, conflicts and restarts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proof.errors import IdemConflictError
from proof.store import Receipt, Verification
from tests.proof.samples import LOG, append, draft, json_data

if TYPE_CHECKING:
    from tests.proof.contract.houses import House


@given(data=json_data)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_survives(house: House, data: Any) -> None:
    """Whatever a part holds, its retry is a duplicate after a restart, and the ledger verifies."""
    house.empty()
    with house.opened() as store:
        first = append(store, draft("k", action=data))
    with house.opened() as store:
        assert append(store, draft("k", action=data)) == Receipt(0, first.leaf, LOG, 1, duplicate=True)
        assert store.verify().ok


class LedgerMachine(RuleBasedStateMachine):
    """Appends, retries, conflicts and restarts in any order, against a dictionary."""

    def __init__(self, house: House) -> None:
        """Open a new ledger."""
        super().__init__()
        house.empty()
        self.house = house
        self.store = house.open()
        self.model: dict[str, tuple[Any, Receipt]] = {}

    def teardown(self) -> None:
        """Close it."""
        self.store.close()

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
        self.store = self.house.open()
        assert self.store.head == before

    @invariant()
    def verifies(self) -> None:
        """The ledger verifies at every moment and holds what was acknowledged."""
        assert self.store.verify() == Verification(ok=True, height=len(self.model))


def test_appends_retries_conflicts_and_restarts(house: House) -> None:
    """In any order the ledger says what the dictionary says."""
    run_state_machine_as_test(
        functools.partial(LedgerMachine, house),  # type: ignore[arg-type]  # whatever makes a machine will do
        settings=settings(max_examples=12, stateful_step_count=12, deadline=None),
    )
