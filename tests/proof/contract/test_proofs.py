"""Every store: the tree it keeps gives every root and proof, before and after it was opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof.errors import BrokenChainError
from proof.format.merkle import (
    NodeId,
    TreeHead,
    consistency_proof,
    inclusion_proof,
    tree_head,
    verify_consistency,
    verify_inclusion,
)
from proof.store import KeptCheckpoint
from tests.proof.format.trees import mth
from tests.proof.samples import append, draft

if TYPE_CHECKING:
    from proof.store import LedgerStore
    from tests.proof.contract.houses import House

SIZE = 21


def check(store: LedgerStore, height: int) -> None:
    """Hold every root, inclusion and consistency proof of the ledger against the recursive definition."""
    leaves = [entry.leaf for entry in store.entries(0, height + 1)]
    assert len(leaves) == store.seal().size == height
    roots = [TreeHead(size, mth(leaves[:size])) for size in range(height + 1)]
    assert store.seal() == roots[height]
    for size in range(height + 1):
        assert tree_head(size, store.nodes) == roots[size]
        verify_consistency(roots[size], roots[height], consistency_proof(size, height, store.nodes))
    for index in range(height):
        proof = inclusion_proof(index, height, store.nodes)
        verify_inclusion(leaves[index], index, height, proof, roots[height].root)


def test_every_root_and_proof_after_reopening(house: House) -> None:
    """Entries alone and in batches, with a new start in between: the tree is that of RFC 6962 over the stored leaves."""
    with house.opened() as store:
        for number in range(6):
            append(store, draft(f"a{number}"))
        check(store, 6)
    with house.opened() as store:
        check(store, 6)
        futures = [store.append(draft(f"b{number}")) for number in range(SIZE - 6)]
        assert [future.result(30).seq for future in futures] == list(range(6, SIZE))
        check(store, SIZE)
    with house.opened() as store:
        check(store, SIZE)


def test_nodes_come_in_the_order_asked_for(ledger: LedgerStore) -> None:
    """Leaves and nodes mixed, one of them twice; none asked for, none given; a missing one is damage."""
    for number in range(4):
        append(ledger, draft(f"k{number}"))
    wanted = [NodeId(0, 3), NodeId(2, 0), NodeId(0, 0), NodeId(1, 1), NodeId(0, 3)]
    assert ledger.nodes(wanted) == [ledger.nodes([node])[0] for node in wanted]
    assert ledger.nodes([]) == []
    for missing in (NodeId(0, 4), NodeId(1, 2), NodeId(3, 0)):
        with pytest.raises(BrokenChainError):
            ledger.nodes([NodeId(0, 0), missing])


def test_kept_checkpoints_stay_as_they_were_first(house: House) -> None:
    """One for each size, in order, and after a new start; a second one for the same size changes nothing."""
    with house.signed() as ledger:
        for number in range(5):
            append(ledger.store, draft(f"k{number}"))
            published = ledger.notary.covering(number + 1, 30)
            ledger.store.keep(KeptCheckpoint(number + 1, published.note)).result(30)
            ledger.store.keep(KeptCheckpoint(number + 1, b"another")).result(30)
        kept = ledger.store.checkpoints()
        assert [one.size for one in kept] == list(range(6))
        assert ledger.store.checkpoints(2, 2) == kept[3:5]
        assert ledger.store.checkpoints(5) == []
    with house.signed() as ledger:
        assert ledger.store.checkpoints() == kept
        assert ledger.verifier.verify(full=True).ok
