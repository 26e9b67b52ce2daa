"""Verification of stored entries: raises with the first bad seq and the reason, or returns the head. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proof.entry import Entry, decode_entry, leaf_hash, part_commitment
from proof.errors import BrokenChainError, NonCanonicalError, ProfileError


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part beside its entry; ``salt`` (32 bytes) and ``data`` (canonical JSON) are both None after an erasure."""

    name: str
    salt: bytes | None
    data: bytes | None


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as a store holds it: ``body`` is the authority, ``idem`` and ``leaf`` are copies for look-ups."""

    seq: int
    idem: str
    leaf: bytes
    body: bytes
    parts: tuple[StoredPart, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: ``height`` entries, ``leaf`` of the last one in hex (the log id when empty), and its size.

    ``size`` is the length in bytes of all entry bodies and all parts ever committed to; it never shrinks.
    """

    height: int
    leaf: str
    size: int


def verify_chain(log: str, entries: Iterable[StoredEntry], anchors: Mapping[int, str] | None = None) -> Head:
    """Check a whole ledger in the order of ``seq`` and return its head.

    ``anchors`` maps a height to the head (hex) that is known from elsewhere to have been there; a chain that is shorter
    or differs is broken. Without an anchor a cut tail cannot be seen: a prefix of a chain is a chain.
    Raises ``BrokenChainError`` with the first bad seq.
    """
    known = dict(anchors or {})
    known[0] = log
    head = Head(0, log, 0)
    seen: set[str] = set()
    for stored in entries:
        head = _extend(head, stored, log, seen)
        anchored = known.get(head.height, head.leaf)
        if anchored != head.leaf:
            raise BrokenChainError(
                stored.seq, "head", "another entry was recorded here before: the history was rewritten"
            )
    tallest = max(known)
    if tallest > head.height:
        raise BrokenChainError(
            head.height, "missing", f"the ledger ends after {head.height} entries, but had {tallest} before"
        )
    return head


def check_entry(stored: StoredEntry, log: str) -> Entry:
    """Check all that one entry proves by itself (not its place after ``prev``) and return it.

    Raises ``BrokenChainError``.
    """
    seq = stored.seq
    if leaf_hash(stored.body) != stored.leaf:
        raise BrokenChainError(seq, "leaf", "the stored entry does not have the stored leaf hash")
    try:
        entry = decode_entry(stored.body)
    except ProfileError as error:
        code = "non_canonical" if isinstance(error, NonCanonicalError) else "format"
        raise BrokenChainError(seq, code, str(error)) from None
    if entry.log != log:
        raise BrokenChainError(seq, "log", "the entry belongs to another log (origin or PROOF_SALT differ)")
    if entry.seq != seq:
        raise BrokenChainError(seq, "seq", f"the entry says that it is number {entry.seq}")
    if entry.idem != stored.idem:
        raise BrokenChainError(seq, "idem", "the idempotency key beside the entry is not the one inside it")
    _check_parts(entry, stored)
    return entry


def _extend(head: Head, stored: StoredEntry, log: str, seen: set[str]) -> Head:
    expected = head.height
    if stored.seq > expected:
        raise BrokenChainError(expected, "missing", f"the entry is not there, the next one is {stored.seq}")
    if stored.seq < expected:
        raise BrokenChainError(expected, "seq", f"entry {stored.seq} stands where {expected} should")
    entry = check_entry(stored, log)
    if entry.prev != head.leaf:
        raise BrokenChainError(expected, "prev", "the entry does not follow the one before it")
    if entry.idem in seen:
        raise BrokenChainError(expected, "idem", "the idempotency key was used by an earlier entry")
    seen.add(entry.idem)
    return Head(expected + 1, stored.leaf.hex(), head.size + len(stored.body) + entry.size)


def _check_parts(entry: Entry, stored: StoredEntry) -> None:
    names = [part.name for part in stored.parts]
    if sorted(names) != sorted(entry.parts):
        raise BrokenChainError(entry.seq, "part", "the stored parts are not those that the entry names")
    present = 0
    erased = False
    for part in stored.parts:
        if part.salt is None and part.data is None:
            erased = True
            continue
        if part.salt is None or part.data is None:
            raise BrokenChainError(entry.seq, "part", f"the part {part.name} lost its data or its salt, but not both")
        if not commits_to(entry.parts[part.name], part.name, part.salt, part.data):
            raise BrokenChainError(entry.seq, "part", f"the part {part.name} is not what the entry commits to")
        present += len(part.data)
    if present > entry.size or (present < entry.size and not erased):
        raise BrokenChainError(entry.seq, "bytes", "the parts do not have the length that the entry states")


def commits_to(commitment: str, name: str, salt: bytes, data: bytes) -> bool:
    """Tell whether ``commitment`` (hex) is the one to this data under this salt; False too for a salt of wrong length."""
    try:
        computed = part_commitment(salt, name, data)
    except ProfileError:
        return False
    return hmac.compare_digest(computed, commitment)
