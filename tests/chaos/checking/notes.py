"""Signed checkpoints and keys, as docs/ledger-format.md defines them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_NOTE = 65_536


class DamagedError(ValueError):
    """A note or a key that has not the documented form."""


@dataclass(frozen=True)
class Vkey:
    """A public key: the name of the log, the four bytes that name the key, and its 32 bytes."""

    name: str
    key_id: bytes
    public: bytes


@dataclass(frozen=True)
class Checkpoint:
    """Origin, size and root, with its signatures as (name, key id, signature)."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


def base64_of(value: str) -> bytes:
    """Decode the one canonical form of base64; raises :class:`DamagedError`."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DamagedError(f"{value[:60]!r} is no base64") from error
    if base64.b64encode(decoded).decode() != value:
        raise DamagedError(f"{value[:60]!r} is not the canonical base64")
    return decoded


def parse_vkey(value: str) -> Vkey:
    """Read ``name+hex+base64``; raises :class:`DamagedError`."""
    words = value.strip().split("+", 2)
    if len(words) != 3:
        raise DamagedError(f"{value[:200]!r} is no vkey")
    key = base64_of(words[2])
    computed = hashlib.sha256(words[0].encode(errors="replace") + b"\n" + key).digest()[:4]
    if len(key) != 33 or key[0] != 1 or words[1] != computed.hex():
        raise DamagedError(f"{value[:200]!r} is no vkey of Ed25519, or has another key id than it says")
    return Vkey(words[0], computed, key[1:])


def parse_checkpoint(note: bytes) -> Checkpoint:
    """Take a signed note apart without judging its signatures; raises :class:`DamagedError`."""
    if len(note) > MAX_NOTE:
        raise DamagedError("larger than a checkpoint may be")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise DamagedError("no UTF-8") from error
    if any(ord(char) < 32 and char != "\n" for char in whole):
        raise DamagedError("control characters")
    head, middle, tail = whole.partition("\n\n")
    lines = head.split("\n")
    if not middle or len(lines) != 3 or not all(lines):
        raise DamagedError("not origin, size, root, an empty line and signatures")
    size = lines[1]
    if not size.isascii() or not size.isdigit() or len(size) > 16 or (size != "0" and size[0] == "0"):
        raise DamagedError(f"size {size[:40]!r}")
    root = base64_of(lines[2])
    if len(root) != 32 or not tail.endswith("\n"):
        raise DamagedError("root or end of the note")
    signatures = []
    for line in tail[:-1].split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[0] != "\N{EM DASH}":
            raise DamagedError(f"{line[:60]!r} is no signature line")
        data = base64_of(words[2])
        signatures.append((words[1], data[:4], data[4:]))
    return Checkpoint(lines[0], int(size), root, (head + "\n").encode(), tuple(signatures))


def signed_by(checkpoint: Checkpoint, keys: list[Vkey]) -> Vkey | None:
    """Return the key of ``keys`` that signed; a known key whose signature is false raises :class:`DamagedError`."""
    found = None
    for name, key_id, signature in checkpoint.signatures:
        for key in keys:
            if (key.name, key.key_id) != (name, key_id):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, checkpoint.text)
            except InvalidSignature as error:
                raise DamagedError(f"the signature of {name}+{key_id.hex()} is false") from error
            found = key
    return found
