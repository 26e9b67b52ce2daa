"""The tree of RFC 6962 over the leaves of the entries."""

from __future__ import annotations

import hashlib


def leaf_of(entry: bytes) -> bytes:
    """Return the leaf of an entry's exact bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def join(left: bytes, right: bytes) -> bytes:
    """Return the node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def roots_of(leaves: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    """Return the root at each of ``sizes`` that the leaves reach."""
    found = {0: hashlib.sha256(b"").digest()} if 0 in sizes else {}
    stack: list[bytes] = []
    for place, leaf in enumerate(leaves, 1):
        stack.append(leaf)
        rest = place
        while rest % 2 == 0:
            right = stack.pop()
            stack.append(join(stack.pop(), right))
            rest //= 2
        if place in sizes:
            found[place] = _top(stack)
    return found


def _top(stack: list[bytes]) -> bytes:
    root = stack[-1]
    for left in reversed(stack[:-1]):
        root = join(left, root)
    return root
