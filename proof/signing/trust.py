"""Which keys of a log can be trusted, beginning with those that somebody was given: docs/ledger-format.md, Rotation. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proof.errors import BrokenChainError, NoteError
from proof.format.entry import Entry
from proof.format.kinds import ROTATION_PREFIX
from proof.format.note import SignedNote, VerifierKey, verify_note

ROTATION_PART = "rotation"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The entry ``seq`` in which ``new`` took over from ``old``."""

    seq: int
    old: VerifierKey
    new: VerifierKey


@dataclass(frozen=True, slots=True)
class Settled:
    """``size``: over how many entries the largest trusted checkpoint is. ``distrusted``: sizes of those that no key signed
    that counts there."""

    size: int
    keys: tuple[VerifierKey, ...]
    distrusted: tuple[int, ...]


def read_rotation(entry: Entry, data: bytes) -> Rotation:
    """Return what the part ``ROTATION_PART`` of a ``key.rotated`` entry says.

    Raises ``BrokenChainError`` unless it names the keys of its entry.
    """
    try:
        content = json.loads(data)
        turn = Rotation(entry.seq, VerifierKey.parse(content["old_vkey"]), VerifierKey.parse(content["new_vkey"]))
    except (NoteError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise BrokenChainError(entry.seq, "key", "the rotation does not name two keys") from None
    if turn.old.id != entry.key or ROTATION_PREFIX + turn.new.id != entry.idem:
        raise BrokenChainError(entry.seq, "key", "the rotation names other keys than its entry")
    return turn


class KeyTrust:
    """Keys that were given, and rotations that were found in a log that is being read."""

    def __init__(self, given: Sequence[VerifierKey]) -> None:
        """Trust ``given``."""
        self._given = tuple(given)
        self._rotations: list[Rotation] = []

    def add(self, rotation: Rotation) -> None:
        """Take in a rotation; it leads to a key only if a trusted checkpoint covers it."""
        self._rotations.append(rotation)

    def signers(self, note: SignedNote) -> set[VerifierKey]:
        """Return those of all named keys that signed ``note``; raises ``SignatureError`` if none did or one is false."""
        named = [key for rotation in self._rotations for key in (rotation.old, rotation.new)]
        return set(verify_note(note, [*self._given, *named]))

    def settle(self, signed: Mapping[int, set[VerifierKey]]) -> Settled:
        """Return what can be trusted, given who ``signed`` the checkpoint of each size (see ``signers``)."""
        forward = set(self._given)
        while True:
            covered = max((size for size, keys in signed.items() if keys & forward), default=0)
            below = [rotation for rotation in self._rotations if rotation.seq < covered]
            reached = {rotation.new for rotation in below if rotation.old in forward}
            if reached <= forward:
                break
            forward |= reached
        former = forward | {rotation.old for rotation in below}
        distrusted = [size for size, keys in signed.items() if not keys & (former if size <= covered else forward)]
        return Settled(covered, tuple(former), tuple(sorted(distrusted)))
