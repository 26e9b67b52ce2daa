"""The definitions of RFC 6962, section 2.1, written as they stand there: slow, recursive, and apart from the code."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from proof.format.merkle import Frontier, Lookup, NodeId

VECTOR_INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The eight leaves with which implementations of Certificate Transparency compare themselves."""


def leaf_of(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def leaves(count: int) -> list[bytes]:
    """Return ``count`` different leaf hashes."""
    return [leaf_of(b"%d" % number) for number in range(count)]


def mth(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes: MTH of section 2.1."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of leaf ``m``: PATH of section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """Return the consistency proof for the first ``m`` leaves: SUBPROOF of section 2.1.2."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], whole=False), mth(hashes[:k])]


def split(length: int) -> int:
    """Return the largest power of two below ``length``."""
    k = 1
    while 2 * k < length:
        k *= 2
    return k


def stored_nodes(hashes: Sequence[bytes]) -> Lookup:
    """Return a look-up over all nodes that a growing tree completes, as a store keeps them."""
    frontier = Frontier()
    known: dict[NodeId, bytes] = {}
    for index, leaf in enumerate(hashes):
        known[NodeId(0, index)] = leaf
        known.update(frontier.add(leaf))
    return lambda nodes: [known[node] for node in nodes]
