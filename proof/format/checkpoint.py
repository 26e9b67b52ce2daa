"""Checkpoints of the ledger, as in C2SP's tlog-checkpoint (https://c2sp.org/tlog-checkpoint). Pure.

The text of a checkpoint is three lines: origin, number of entries in decimal, root in base64. Extension lines are neither
written nor taken: nobody could check them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from proof.errors import NoteError
from proof.format.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_LIMIT, TreeHead
from proof.format.note import SignedNote, SigningKey, VerifierKey, check_name, parse_note, sign_note, verify_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger was at one moment: its origin and its tree."""

    origin: str
    tree: TreeHead

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.tree.size}\n{base64.b64encode(self.tree.root).decode('ascii')}\n"


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> SignedNote:
    """Return ``checkpoint`` signed by every one of ``keys``."""
    return sign_note(checkpoint.text(), keys)


def open_checkpoint(raw: bytes, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint in the signed note ``raw``.

    Raises ``NoteError`` if it is malformed or of another origin, ``SignatureError`` unless one of ``keys`` signed it.
    """
    note = parse_note(raw)
    verify_note(note, keys)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        _refuse(f"it is of {checkpoint.origin!a}, not of {origin!a}")
    return checkpoint


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint with this text; raises ``NoteError`` unless it is exactly the text of one.

    The origin is one that can name a key. An empty ledger has the root of the empty tree.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        _refuse("it must have three lines: origin, size, root")
    origin, size, root = lines[:3]
    check_name(origin)
    if not _SIZE.fullmatch(size) or int(size) > SIZE_LIMIT:
        _refuse("its size must be a decimal number without leading zeros")
    tree = TreeHead(int(size), _root(root))
    if tree.size == 0 and tree.root != EMPTY_ROOT:
        _refuse("its size is 0, but its root is not that of the empty tree")
    checkpoint = Checkpoint(origin, tree)
    if checkpoint.text() != text:
        _refuse("it is not written in the canonical form")
    return checkpoint


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        _refuse("its root is not base64")
    if len(root) != HASH_BYTES:
        _refuse(f"its root must have {HASH_BYTES} bytes")
    return root


def _refuse(problem: str) -> NoReturn:
    raise NoteError(f"not a checkpoint of this ledger: {problem}")
