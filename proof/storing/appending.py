"""What every store does with a draft before and after its own statements: make the entry, or answer from the first one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from proof.errors import BrokenChainError, IdemConflictError
from proof.format.chain import Head, StoredEntry, StoredPart, commits_to
from proof.format.entry import SALT_BYTES, Entry, encode_entry, leaf_hash, part_commitment
from proof.format.merkle import Frontier
from proof.store import Receipt
from proof.storing.draft import Draft


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be stored, and the head after it."""

    stored: StoredEntry
    head: Head
    receipt: Receipt


def compose(draft: Draft, head: Head, log: str, key: str, now: datetime) -> NewEntry:
    """Return the entry that puts ``draft`` after ``head``, with new salts; raises ``ProfileError`` if it is too large."""
    parts = tuple(StoredPart(name, secrets.token_bytes(SALT_BYTES), draft.parts[name]) for name in sorted(draft.parts))
    entry = Entry(
        log=log,
        seq=head.height,
        prev=head.leaf,
        idem=draft.idem,
        kind=draft.kind,
        at=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        parts={part.name: part_commitment(part.salt or b"", part.name, part.data or b"") for part in parts},
        size=sum(len(data) for data in draft.parts.values()),
        key=key,
    )
    body = encode_entry(entry)
    leaf = leaf_hash(body)
    after = Head(head.height + 1, leaf.hex(), head.size + len(body) + entry.size)
    receipt = Receipt(entry.seq, after.leaf, entry.prev, after.height, duplicate=False)
    return NewEntry(StoredEntry(entry.seq, entry.idem, leaf, body, parts), after, receipt)


def first_receipt(entry: Entry, stored: StoredEntry, draft: Draft) -> Receipt | IdemConflictError:
    """Return the receipt of the first append if the draft says the same, judged under the salts stored then."""
    same = entry.kind == draft.kind and entry.parts.keys() == draft.parts.keys()
    if same:
        for part in stored.parts:
            # An erased part can no longer be compared: what cannot be shown to be equal is treated as different.
            same &= part.salt is not None and commits_to(
                entry.parts[part.name], part.name, part.salt, draft.parts[part.name]
            )
    if not same:
        return IdemConflictError(
            entry.seq, f"the idempotency key belongs to entry {entry.seq}, which has another kind or other parts"
        )
    return Receipt(entry.seq, stored.leaf.hex(), entry.prev, entry.seq + 1, duplicate=True)


def sealed(frontier: Frontier, bodies: Iterable[bytes], grown: Frontier) -> Frontier:
    """Return ``frontier`` with the ``bodies`` that follow it as they were read back after their commit.

    Only a tree over bytes that came from the storage is ever signed, so that a bit that flipped on the way there is found
    before it is. Raises ``BrokenChainError`` unless it becomes the tree that was ``grown`` in memory.
    """
    found = frontier.copy()
    for body in bodies:
        found.add(leaf_hash(body))
    if (found.size, found.hashes()) != (grown.size, grown.hashes()):
        raise BrokenChainError(frontier.size, "leaf", "what was read back after the commit is not what was written")
    return found
