"""Verification of stored entries: raises with the first bad seq and the reason, or returns the head. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from proof.errors import BrokenChainError, NonCanonicalError, ProfileError
from proof.format.entry import NO_KEY, Entry, decode_entry, leaf_hash, part_commitment
from proof.format.kinds import KEY_ROTATED, PART_ERASED, ROTATION_PREFIX, erased_idem


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
    check = ChainCheck(log)
    for _ in checked(check, entries, {0: log, **(anchors or {})}):
        pass
    return check.head


def checked(check: ChainCheck, entries: Iterable[StoredEntry], anchors: Mapping[int, str]) -> Iterator[StoredEntry]:
    """Yield each of ``entries`` after ``check`` took it; at the end, see that the tallest of ``anchors`` was reached.

    Raises ``BrokenChainError`` with the first bad seq.
    """
    for stored in entries:
        check.take(stored)
        if anchors.get(check.head.height, check.head.leaf) != check.head.leaf:
            raise BrokenChainError(
                stored.seq, "head", "another entry was recorded here before: the history was rewritten"
            )
        yield stored
    height, tallest = check.head.height, max(anchors, default=0)
    if tallest > height:
        raise BrokenChainError(height, "missing", f"the ledger ends after {height} entries, but had {tallest} before")


class ChainCheck:
    """Checks entry after entry that each is sound and follows the one before it; ``head`` is how far that got."""

    def __init__(self, log: str, head: Head | None = None, key: str = NO_KEY) -> None:
        """Begin with an empty ledger, or go on after ``head``, where ``key`` was in force.

        Whoever goes on must know by other means that no idempotency key comes twice: only a check from the start sees it.
        """
        self.head = head or Head(0, log, 0)
        self.key = key
        self._gone: dict[str, int] = {}
        self._log = log
        self._seen: set[str] | None = set() if self.head.height == 0 else None

    def take(self, stored: StoredEntry) -> None:
        """Check the next entry; raises ``BrokenChainError``."""
        expected = self.head.height
        if stored.seq > expected:
            raise BrokenChainError(expected, "missing", f"the entry is not there, the next one is {stored.seq}")
        if stored.seq < expected:
            raise BrokenChainError(expected, "seq", f"entry {stored.seq} stands where {expected} should")
        entry = check_entry(stored, self._log)
        if entry.prev != self.head.leaf:
            raise BrokenChainError(expected, "prev", "the entry does not follow the one before it")
        if self.key not in {NO_KEY, entry.key}:
            raise BrokenChainError(expected, "key", "the entry names another signing key than the one in force")
        if self._seen is not None:
            if entry.idem in self._seen:
                raise BrokenChainError(expected, "idem", "the idempotency key was used by an earlier entry")
            self._seen.add(entry.idem)
        self.head = Head(expected + 1, stored.leaf.hex(), self.head.size + len(stored.body) + entry.size)
        self.key = key_after(entry)
        self._gone.update((erased_idem(expected, part.name), expected) for part in stored.parts if part.data is None)
        if entry.kind == PART_ERASED:
            self._gone.pop(entry.idem, None)

    def check_erasures(self) -> None:
        """See, at the end, that a later entry records the erasure of each part that is gone; raises ``BrokenChainError``."""
        if self._gone:
            raise BrokenChainError(
                min(self._gone.values()), "erased", "a part is gone, and no later entry says that it was erased"
            )


def key_after(entry: Entry) -> str:
    """Return the id of the signing key that is in force after ``entry``; a rotation names it in its idempotency key."""
    if entry.key != NO_KEY and entry.kind == KEY_ROTATED:
        return entry.idem.removeprefix(ROTATION_PREFIX)
    return entry.key


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
