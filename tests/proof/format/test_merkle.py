"""The tree: roots and proofs are those of RFC 6962, good ones are accepted, and no changed one is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.errors import InvalidProofError
from proof.format.entry import leaf_hash
from proof.format.merkle import (
    EMPTY_ROOT,
    EMPTY_TREE,
    Frontier,
    NodeId,
    TreeHead,
    consistency_proof,
    frontier_nodes,
    inclusion_proof,
    node_hash,
    tree_head,
    verify_consistency,
    verify_inclusion,
)
from tests.proof.format.trees import VECTOR_INPUTS, leaf_of, leaves, mth, path, stored_nodes, subproof

EXHAUSTIVE = 64
LEAVES = leaves(EXHAUSTIVE)
ROOTS = [mth(LEAVES[:size]) for size in range(EXHAUSTIVE + 1)]
STORED = stored_nodes(LEAVES)
OTHER = b"\xff" * 32

VECTOR_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def refuses_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the proof is refused."""
    try:
        verify_inclusion(leaf, index, size, proof, root)
    except InvalidProofError:
        return True
    return False


def refuses_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> bool:
    """Tell whether the proof is refused."""
    try:
        verify_consistency(old, new, proof)
    except InvalidProofError:
        return True
    return False


def flipped(value: bytes, bit: int) -> bytes:
    """Return ``value`` with one bit turned."""
    changed = bytearray(value)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize(
    ("computed", "expected"),
    [
        (EMPTY_ROOT, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (leaf_hash(b""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (leaf_hash(b"L123456"), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"),
        (node_hash(b"N123", b"N456"), "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"),
    ],
)
def test_the_hashes_are_those_of_rfc_6962(computed: bytes, expected: str) -> None:
    """Empty tree, empty leaf, a leaf and a node have the published hashes, so the three can never be confused."""
    assert computed.hex() == expected


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_the_published_ones(size: int) -> None:
    """The trees of none to eight known leaves have the roots that other implementations publish."""
    frontier = Frontier()
    for data in VECTOR_INPUTS[:size]:
        frontier.add(leaf_of(data))
    assert frontier.head() == TreeHead(size, bytes.fromhex(VECTOR_ROOTS[size]))


@pytest.mark.parametrize("size", range(EXHAUSTIVE + 1))
def test_roots_are_those_of_the_definition(size: int) -> None:
    """A growing tree, a tree made from stored nodes and one that goes on from them have the root that the RFC defines."""
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.add(leaf)
    resumed = Frontier(size, STORED(frontier_nodes(size)))
    assert frontier.head() == tree_head(size, STORED) == resumed.head() == TreeHead(size, ROOTS[size])


def test_a_frontier_goes_on_from_anywhere() -> None:
    """Resumed at any size it completes the same nodes, and a copy does not grow with it."""
    for size in range(EXHAUSTIVE):
        resumed = Frontier(size, STORED(frontier_nodes(size)))
        copied = resumed.copy()
        for node, computed in resumed.add(LEAVES[size]):
            assert [computed] == STORED([node])
        assert (resumed.head().root, copied.head().root) == (ROOTS[size + 1], ROOTS[size])


def test_a_frontier_wants_its_hashes() -> None:
    """Another number of hashes than the size has ones is refused."""
    with pytest.raises(ValueError, match="2 complete subtrees"):
        Frontier(5, [OTHER])


def test_the_nodes_are_few() -> None:
    """A tree of n leaves has n minus (ones of n) nodes above them, each completed once."""
    frontier = Frontier()
    completed = [node for leaf in LEAVES[:13] for node, _ in frontier.add(leaf)]
    assert len(set(completed)) == len(completed) == 13 - (13).bit_count()
    assert completed[-1] == NodeId(2, 2)


def test_every_inclusion_proof_is_accepted_and_no_changed_one() -> None:
    """All 2,080 proofs up to 64 leaves are as defined and accepted; each with one bit turned, cut or longer is refused."""
    accepted = refused = 0
    for size in range(1, EXHAUSTIVE + 1):
        for index in range(size):
            leaf, root = LEAVES[index], ROOTS[size]
            proof = inclusion_proof(index, size, STORED)
            assert proof == path(index, LEAVES[:size])
            verify_inclusion(leaf, index, size, proof, root)
            accepted += 1
            bit = (size * 7 + index * 13) % 256
            changed = [[*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]] for at in range(len(proof))]
            changed += [[*proof, OTHER], [OTHER, *proof], proof[:-1] or [OTHER], proof[1:] or [OTHER]]
            for other in changed:
                assert refuses_inclusion(leaf, index, size, other, root)
            assert refuses_inclusion(flipped(leaf, bit), index, size, proof, root)
            assert refuses_inclusion(leaf, index, size, proof, flipped(root, bit))
            refused += len(changed) + 2
    assert accepted == 2080
    assert refused > 20_000


def test_a_proof_is_for_one_place_only() -> None:
    """Up to 24 leaves no inclusion proof is accepted for another index, and none for a size whose root differs."""
    for size in range(1, 25):
        for index in range(size):
            proof = inclusion_proof(index, size, STORED)
            for place in range(size):
                if place != index:
                    assert refuses_inclusion(LEAVES[index], place, size, proof, ROOTS[size])
            for other in range(1, 25):
                if other != size:
                    assert refuses_inclusion(LEAVES[index], index, other, proof, ROOTS[other])


def test_every_consistency_proof_is_accepted_and_no_changed_one() -> None:
    """All 2,080 pairs up to 64 leaves (1 <= old <= new) are as defined; each with one bit turned, cut, longer is refused."""
    accepted = refused = 0
    for new in range(1, EXHAUSTIVE + 1):
        for old in range(1, new + 1):
            before, after = TreeHead(old, ROOTS[old]), TreeHead(new, ROOTS[new])
            proof = consistency_proof(old, new, STORED)
            assert proof == subproof(old, LEAVES[:new])
            verify_consistency(before, after, proof)
            accepted += 1
            bit = (new * 7 + old * 13) % 256
            changed = [[*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]] for at in range(len(proof))]
            changed += [[*proof, OTHER], [OTHER, *proof], *([proof[:-1], proof[1:]] if proof else [])]
            for other in changed:
                assert refuses_consistency(before, after, other)
            assert refuses_consistency(TreeHead(old, flipped(before.root, bit)), after, proof)
            assert refuses_consistency(before, TreeHead(new, flipped(after.root, bit)), proof)
            refused += len(changed) + 2
    assert accepted == 2080
    assert refused > 15_000


def test_a_consistency_proof_is_for_its_sizes() -> None:
    """A proof is refused for a larger tree whose own proof is longer, even with the root that it leads to: it is too short."""
    refused = 0
    for new in range(2, 25):
        for old in range(1, new):
            proof = consistency_proof(old, new, STORED)
            for claimed in range(new + 1, 40):
                if len(consistency_proof(old, claimed, STORED)) > len(proof):
                    assert refuses_consistency(TreeHead(old, ROOTS[old]), TreeHead(claimed, ROOTS[new]), proof)
                    refused += 1
    assert refused > 1000


def test_a_fork_has_no_consistency_proof() -> None:
    """When one earlier leaf differs, neither the proof of the fork nor that of the first tree is accepted."""
    for old in range(1, 20):
        forked = [*LEAVES[: old - 1], OTHER, *LEAVES[old:20]]
        before, after = TreeHead(old, ROOTS[old]), TreeHead(20, mth(forked))
        assert refuses_consistency(before, after, consistency_proof(old, 20, stored_nodes(forked)))
        assert refuses_consistency(before, after, consistency_proof(old, 20, STORED))


@pytest.mark.parametrize("new", [TreeHead(0, EMPTY_ROOT), TreeHead(1, ROOTS[1]), TreeHead(7, ROOTS[7])])
def test_every_tree_extends_the_empty_one(new: TreeHead) -> None:
    """From size 0 the proof is empty and the old root is that of the empty tree; anything else is refused."""
    assert consistency_proof(0, new.size, STORED) == []
    verify_consistency(EMPTY_TREE, new, [])
    assert refuses_consistency(EMPTY_TREE, new, [OTHER])
    assert refuses_consistency(TreeHead(0, OTHER), new, [])
    assert refuses_consistency(TreeHead(0, OTHER), TreeHead(new.size, OTHER), [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 5), (0, -1), (0, 2**63), (2**70, 2**71)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """An index outside the tree is neither proven nor accepted; the empty tree has no leaf."""
    with pytest.raises(InvalidProofError):
        inclusion_proof(index, size, STORED)
    assert refuses_inclusion(OTHER, index, size, [], OTHER)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 3), (1, 2**63), (1, 0)])
def test_no_proof_backwards(old: int, new: int) -> None:
    """A smaller tree does not extend a larger one, and sizes below 0 or from 2^63 on are refused."""
    with pytest.raises(InvalidProofError):
        consistency_proof(old, new, STORED)
    assert refuses_consistency(TreeHead(old, OTHER), TreeHead(new, OTHER), [OTHER])


@pytest.mark.parametrize("wrong", [b"", OTHER[:31], OTHER + b"\xff"])
def test_hashes_of_a_wrong_length_are_refused(wrong: bytes) -> None:
    """Leaf, root and every hash of a proof have 32 bytes, also where nothing would be computed from them."""
    proof = inclusion_proof(2, 5, STORED)
    assert refuses_inclusion(wrong, 2, 5, proof, ROOTS[5])
    assert refuses_inclusion(LEAVES[2], 2, 5, proof, wrong)
    assert refuses_inclusion(LEAVES[2], 2, 5, [*proof[:-1], wrong], ROOTS[5])
    assert refuses_inclusion(wrong, 0, 1, [], wrong)
    assert refuses_consistency(TreeHead(3, wrong), TreeHead(3, wrong), [])
    assert refuses_consistency(TreeHead(0, wrong), TreeHead(0, wrong), [])


def test_a_proof_is_bounded_however_large_the_tree() -> None:
    """A proof in a tree of 2^62 leaves asks for a bounded number of nodes, in one look-up."""
    asked: list[int] = []

    def lookup(nodes: Sequence[NodeId]) -> Sequence[bytes]:
        asked.append(len(nodes))
        return [OTHER] * len(nodes)

    assert len(inclusion_proof(2**61 + 12345, 2**62 + 2**40 + 7, lookup)) <= 63
    consistency_proof(2**61 + 12345, 2**62 + 2**40 + 7, lookup)
    assert len(asked) == 2
    assert max(asked) < 200


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=200), st.data())
@settings(max_examples=100)
def test_any_tree_proves_each_of_its_leaves(contents: list[bytes], data: st.DataObject) -> None:
    """Whatever the leaves, also equal ones: each is proven in every later tree, and each later tree extends each earlier."""
    hashes = [leaf_of(content) for content in contents]
    lookup = stored_nodes(hashes)
    size = data.draw(st.integers(1, len(hashes)))
    index = data.draw(st.integers(0, size - 1))
    head = TreeHead(size, mth(hashes[:size]))
    assert tree_head(size, lookup) == head
    verify_inclusion(hashes[index], index, size, inclusion_proof(index, size, lookup), head.root)
    whole = tree_head(len(hashes), lookup)
    verify_consistency(head, whole, consistency_proof(size, len(hashes), lookup))


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70), st.integers(0, 2**64), st.integers(0, 2**64))
def test_no_proof_out_of_nothing(proof: list[bytes], one: int, other: int) -> None:
    """Random hashes prove nothing, and any numbers end in an answer."""
    root = hashlib.sha256(b"root").digest()
    assert refuses_inclusion(OTHER, one, other, proof, root)
    if one:
        assert refuses_consistency(TreeHead(one, OTHER), TreeHead(other, root), proof)
