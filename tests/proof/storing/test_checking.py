"""The check of a stored ledger, on data alone: tree and kept checkpoints are held against the entries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry, StoredPart, verify_chain
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.merkle import Frontier, NodeId, TreeHead
from proof.format.note import SigningKey, sign_note
from proof.store import KeptCheckpoint
from proof.storing.checking import Progress, Stored, beginning, check_stored, stated_root
from tests.proof.format.trees import mth
from tests.proof.samples import LOG, ORIGIN, chain, stored

ENTRIES = chain(7)
LEAVES = [entry.leaf for entry in ENTRIES]
HEAD = Head(
    7, LEAVES[-1].hex(), sum(len(entry.body) + sum(len(part.data or b"") for part in entry.parts) for entry in ENTRIES)
)
ROOTS = {size: mth(LEAVES[:size]) for size in range(1, 8)}
KEY = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))


def nodes(wrong: NodeId | None = None) -> dict[NodeId, bytes]:
    """Return the nodes of the tree, one of them wrong."""
    frontier = Frontier()
    known = dict(pair for leaf in LEAVES for pair in frontier.add(leaf))
    if wrong is not None:
        known[wrong] = bytes(32)
    return known


def problem(stored: Stored, start: Progress | None = None) -> tuple[int | None, str] | None:
    """Return seq and code of the refusal, or None."""
    try:
        check_stored(stored, start or beginning(LOG))
    except BrokenChainError as error:
        return error.seq, error.code
    return None


def test_a_sound_ledger_holds() -> None:
    """Entries, nodes, checkpoints and head that agree are accepted, and what comes out is where the next check goes on."""
    sound = Stored(LOG, HEAD, ENTRIES, nodes().get, ROOTS)
    progress = check_stored(sound, beginning(LOG))
    assert (progress.head, progress.frontier.head()) == (HEAD, TreeHead(7, ROOTS[7]))
    assert problem(Stored(LOG, HEAD, [], nodes().get), progress) is None
    assert problem(Stored(LOG, HEAD, ENTRIES, None)) is None


@pytest.mark.parametrize("size", range(1, 8))
def test_a_checkpoint_with_another_root_is_found(size: int) -> None:
    """The entries must have every root that was published over them."""
    changed = Stored(LOG, HEAD, ENTRIES, nodes().get, ROOTS | {size: bytes(32)})
    assert problem(changed) == (size - 1, "checkpoint")


def test_a_checkpoint_over_more_is_found() -> None:
    """What was published over more entries than there are shows that some are gone."""
    assert problem(Stored(LOG, HEAD, ENTRIES, nodes().get, {9: bytes(32)})) == (7, "missing")


@pytest.mark.parametrize("node", sorted(nodes()))
def test_a_wrong_node_is_found(node: NodeId) -> None:
    """Every node that is not that of its entries is found at the entry that completes it."""
    last = ((node.place + 1) << node.level) - 1
    assert problem(Stored(LOG, HEAD, ENTRIES, nodes(node).get)) == (last, "node")


@pytest.mark.parametrize("node", sorted(nodes()))
def test_a_missing_node_is_found(node: NodeId) -> None:
    """So is one that is not there."""
    some = nodes()
    del some[node]
    assert problem(Stored(LOG, HEAD, ENTRIES, some.get)) == (((node.place + 1) << node.level) - 1, "node")


@pytest.mark.parametrize("size", range(8))
def test_a_check_may_go_on_from_anywhere(size: int) -> None:
    """From any point on the rest is checked as a check from the start would."""
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.add(leaf)
    stated = sum(len(entry.body) + sum(len(part.data or b"") for part in entry.parts) for entry in ENTRIES[:size])
    head = Head(size, LEAVES[size - 1].hex() if size else LOG, stated)
    start = Progress(head, frontier)
    assert problem(Stored(LOG, HEAD, ENTRIES[size:], nodes().get, ROOTS), start) is None
    assert problem(Stored(LOG, HEAD, ENTRIES[size + 1 :], nodes().get), start) == (
        (size, "missing") if size < 7 else None
    )
    assert frontier.size == size


def erased(seq: int) -> StoredEntry:
    """Return an entry of the chain whose part is gone."""
    return replace(ENTRIES[seq], parts=(StoredPart("action", None, None),))


@pytest.mark.parametrize("gone", range(5))
def test_an_erasure_is_recorded_further_on(gone: int) -> None:
    """A part that is gone is no damage if a later entry says so, and is found at its entry if none or an earlier one does."""
    entries = chain(2)
    entries.append(stored(2, entries[-1].leaf.hex(), {}, idem=f"part.erased/{gone}/action", kind="part.erased"))
    for seq in (3, 4):
        entries.append(stored(seq, entries[-1].leaf.hex()))
    whole = verify_chain(LOG, entries)
    if gone != 2:
        entries[gone] = replace(entries[gone], parts=(StoredPart("action", None, None),))
    found = problem(Stored(LOG, whole, entries, None))
    assert found == ((gone, "erased") if gone > 2 else None)


def test_an_erasure_that_nobody_recorded_is_found_later_too() -> None:
    """Of two the first is told, and one among new entries is found by the check that goes on from before."""
    entries = [*ENTRIES[:3], erased(3), ENTRIES[4], erased(5), ENTRIES[6]]
    assert problem(Stored(LOG, HEAD, entries, nodes().get)) == (3, "erased")
    start = check_stored(Stored(LOG, verify_chain(LOG, ENTRIES[:4]), ENTRIES[:4], nodes().get), beginning(LOG))
    assert problem(Stored(LOG, HEAD, entries[4:], nodes().get), start) == (5, "erased")


def test_what_is_kept_must_be_a_checkpoint_of_this_ledger() -> None:
    """Another origin, another size, or no checkpoint at all is damage."""
    tree = TreeHead(3, ROOTS[3])
    note = sign_checkpoint(Checkpoint(ORIGIN, tree), [KEY]).encode()
    assert stated_root(KeptCheckpoint(3, note), ORIGIN) == ROOTS[3]
    for kept, origin in [
        (KeptCheckpoint(4, note), ORIGIN),
        (KeptCheckpoint(3, note), "example.com/other"),
        (KeptCheckpoint(3, note[:-1]), ORIGIN),
        (KeptCheckpoint(3, sign_note("hello\n", [KEY]).encode()), ORIGIN),
    ]:
        with pytest.raises(BrokenChainError, match="checkpoint"):
            stated_root(kept, origin)
