"""The Merkle tree of RFC 6962 over the leaf hashes of the ledger, with the verification algorithms of RFC 9162. Pure.

    root([])     = SHA-256("")
    root([leaf]) = leaf                                  (already SHA-256(0x00 || entry), see ``proof.format.entry``)
    root(leaves) = SHA-256(0x01 || root(leaves[:k]) || root(leaves[k:]))     k: largest power of two below the length

A *node* is the root over 2^level leaves that begin at a multiple of 2^level. It never changes once its leaves are there,
so a store keeps all of them, and every root and proof of every size is made of a few. Hashes are 32 bytes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from proof.errors import InvalidProofError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
SIZE_LIMIT = 2**63 - 1


class NodeId(NamedTuple):
    """A node: it covers the leaves from ``place * 2**level`` to below ``(place + 1) * 2**level``."""

    level: int
    place: int


Lookup = Callable[[Sequence[NodeId]], Sequence[bytes]]
"""Returns the hashes of the given nodes, in their order; level 0 are the leaf hashes."""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """``size`` leaves and their root."""

    size: int
    root: bytes


EMPTY_TREE = TreeHead(0, EMPTY_ROOT)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows: the roots of its complete subtrees, largest first, are all it has to remember."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Go on from ``size`` leaves, whose nodes ``frontier_nodes(size)`` have these ``hashes``.

        Raises ``ValueError`` for another number of hashes.
        """
        self._size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def copy(self) -> Frontier:
        """Return one that grows by itself from here."""
        return Frontier(self._size, self._hashes)

    def add(self, leaf: bytes) -> list[tuple[NodeId, bytes]]:
        """Take one more leaf and return the nodes above the leaves that it completes, lowest first."""
        index, level, computed = self._size, 0, leaf
        completed = []
        while index & 1:
            computed = node_hash(self._hashes.pop(), computed)
            index, level = index >> 1, level + 1
            completed.append((NodeId(level, index), computed))
        self._hashes.append(computed)
        self._size += 1
        return completed

    def hashes(self) -> list[bytes]:
        """Return the hashes of ``frontier_nodes(size)``."""
        return list(self._hashes)

    def head(self) -> TreeHead:
        """Return size and root as they are now."""
        return TreeHead(self._size, _fold(self._hashes))


def frontier_nodes(size: int) -> list[NodeId]:
    """Return the complete subtrees that make up a tree of ``size`` leaves, largest first."""
    return _cover(0, size)


def tree_head(size: int, lookup: Lookup) -> TreeHead:
    """Return the head that the tree had when it had ``size`` leaves."""
    return TreeHead(size, _fold(lookup(_cover(0, size))))


def inclusion_proof(index: int, size: int, lookup: Lookup) -> list[bytes]:
    """Return the proof that leaf ``index`` is in the tree of ``size`` leaves, from the leaf's sibling upwards.

    Raises ``InvalidProofError`` unless ``0 <= index < size``.
    """
    _check_index(index, size)
    ranges = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return _hashes_of(reversed(ranges), lookup)


def consistency_proof(old: int, new: int, lookup: Lookup) -> list[bytes]:
    """Return the proof that the tree of ``old`` leaves is the beginning of that of ``new`` leaves.

    It is empty for equal sizes and for ``old`` 0: every tree begins with the empty one, and nothing is left to show.
    Raises ``InvalidProofError`` unless ``0 <= old <= new``.
    """
    _check_sizes(old, new)
    if old in {0, new}:
        return []
    ranges = []
    low, high, whole = 0, new, True
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:  # otherwise the old tree is a node of the new one, and the verifier has its root
        ranges.append((low, high))
    return _hashes_of(reversed(ranges), lookup)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return if ``proof`` shows that ``leaf`` has place ``index`` in the tree of ``size`` leaves with this ``root``.

    RFC 9162, 2.1.3.2. Raises ``InvalidProofError`` otherwise, also for hashes of a wrong length; an empty tree has no leaf.
    """
    _check_index(index, size)
    _check_hashes(leaf, root, *proof)
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise InvalidProofError("the inclusion proof is too long")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise InvalidProofError("the inclusion proof is too short")
    _check_equal(computed, root, f"the entry {index} is not in the tree of {size} entries with this root")


def verify_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> None:
    """Return if ``proof`` shows that ``new`` extends ``old``.

    RFC 9162, 2.1.4.2, which leaves two cases open: equal sizes need equal roots, and size 0 needs the root of the empty
    tree; both need an empty proof. Raises ``InvalidProofError`` otherwise.
    """
    _check_sizes(old.size, new.size)
    _check_hashes(old.root, new.root, *proof)
    for head in (old, new):
        if head.size == 0:
            _check_equal(head.root, EMPTY_ROOT, "the root of the empty tree is another")
    if old.size in {0, new.size}:
        if proof:
            raise InvalidProofError("the consistency proof must be empty here")
        if old.size:
            _check_equal(old.root, new.root, f"two trees of {new.size} entries have different roots")
        return
    steps = list(proof)
    if old.size & (old.size - 1) == 0:
        steps.insert(0, old.root)
    if not steps:
        raise InvalidProofError("the consistency proof is empty")
    before, after = _consistent_roots(old.size - 1, new.size - 1, steps)
    _check_equal(before, old.root, f"the proof does not lead to the root of the {old.size} entries")
    _check_equal(after, new.root, f"the tree of {new.size} entries does not extend that of {old.size}")


def _consistent_roots(position: int, last: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise InvalidProofError("the consistency proof is too long")
        if position & 1 or position == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, step)
        position, last = position >> 1, last >> 1
    if last:
        raise InvalidProofError("the consistency proof is too short")
    return before, after


def _split(length: int) -> int:
    """Return the largest power of two below ``length`` (at least 2)."""
    return 1 << ((length - 1).bit_length() - 1)


def _cover(low: int, high: int) -> list[NodeId]:
    """Return the nodes, largest first, over the leaves from ``low`` to below ``high``, a range that the tree has."""
    nodes = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(NodeId(level, low >> level))
        low += 1 << level
    return nodes


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in hashes[-2::-1]:
        root = node_hash(left, root)
    return root


def _hashes_of(ranges: Iterable[tuple[int, int]], lookup: Lookup) -> list[bytes]:
    """Return the root over each range, with one look-up for all nodes."""
    covers = [_cover(low, high) for low, high in ranges]
    found = iter(lookup([node for cover in covers for node in cover]))
    return [_fold([next(found) for _ in cover]) for cover in covers]


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size <= SIZE_LIMIT:
        raise InvalidProofError(f"there is no entry {index} in a tree of {size} entries")


def _check_sizes(old: int, new: int) -> None:
    if not 0 <= old <= new <= SIZE_LIMIT:
        raise InvalidProofError(f"a tree of {new} entries cannot extend one of {old}")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise InvalidProofError(f"a hash has another length than {HASH_BYTES} bytes")


def _check_equal(computed: bytes, expected: bytes, problem: str) -> None:
    if not hmac.compare_digest(computed, expected):
        raise InvalidProofError(problem)
