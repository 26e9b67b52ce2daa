"""Signed notes and their keys, as in C2SP's signed-note (https://c2sp.org/signed-note), with Ed25519 only. Pure.

note      = text that ends in "\\n", "\\n", then one line for each signature
signature = "\N{EM DASH} " name " " base64(key id || Ed25519 signature over the text) "\\n"
key id    = SHA-256(name || 0x0A || 0x01 || public key)[:4]
vkey      = name "+" 8 hex digits of the key id "+" base64(0x01 || public key)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proof.errors import NoteError, SignatureError

MAX_NOTE_BYTES = 64 * 1024
MAX_SIGNATURES = 100
_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_PUBLIC_BYTES = 32
_SIGNATURE_BYTES = 64
_MARK = "\N{EM DASH} "
_HEX_ID = re.compile(r"[0-9a-f]{8}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under its name; ``public`` has 32 bytes. ``str()`` gives the vkey."""

    name: str
    public: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Compute the key id; raises ``NoteError`` for a name or a key that a note cannot have."""
        check_name(self.name)
        if len(self.public) != _PUBLIC_BYTES:
            raise NoteError(f"the public key of {self.name} must have {_PUBLIC_BYTES} bytes")
        digest = hashlib.sha256(self.name.encode("utf-8") + b"\n" + _ED25519 + self.public).digest()
        object.__setattr__(self, "key_id", digest[:_KEY_ID_BYTES])

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Return the key that ``vkey`` spells; raises ``NoteError`` unless it is exactly one, of type Ed25519."""
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not _HEX_ID.fullmatch(parts[1]):
            raise NoteError("a vkey must be like name+8 hex digits+base64")
        content = _decode(parts[2], "the vkey")
        if content[:1] != _ED25519:
            raise NoteError("the vkey is not of type Ed25519")
        key = cls(parts[0], content[1:])
        if key.key_id.hex() != parts[1]:
            raise NoteError("the vkey is not whole: its key id is not that of its key")
        return key

    @property
    def id(self) -> str:
        """``name+8 hex digits``: what an entry names as the key in force."""
        return f"{self.name}+{self.key_id.hex()}"

    def __str__(self) -> str:
        """Return the vkey."""
        return f"{self.id}+{_encode(_ED25519 + self.public)}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Tell whether ``signature`` (64 bytes, without key id) is this key's over ``text``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode("utf-8"))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the name and id (4 bytes) of a key, and what it made of the text."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """Return the line, with its line break."""
        return f"{_MARK}{self.name} {_encode(self.key_id + self.value)}\n"


class SigningKey:
    """A private key under its name; it shows itself as its public half only."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        """Keep the key; raises ``NoteError`` for a name that a note cannot have."""
        self.verifier = VerifierKey(name, private.public_key().public_bytes_raw())
        self._private = private

    def __repr__(self) -> str:
        """Name the key without its secret."""
        return f"SigningKey({self.verifier.id})"

    def sign(self, text: str) -> Signature:
        """Return the signature over ``text``."""
        return Signature(self.verifier.name, self.verifier.key_id, self._private.sign(text.encode("utf-8")))


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and its signatures, none of them verified by being here."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the bytes of the note."""
        return (self.text + "\n" + "".join(one.line() for one in self.signatures)).encode("utf-8")


def sign_note(text: str, keys: Sequence[SigningKey]) -> SignedNote:
    """Return ``text`` signed by every one of ``keys``; raises ``NoteError`` if it is no text for a note, or without keys."""
    _check_text(text)
    if not keys:
        raise NoteError("a note needs at least one signature")
    return SignedNote(text, tuple(key.sign(text) for key in keys))


def parse_note(raw: bytes) -> SignedNote:
    """Return the note in ``raw``; raises ``NoteError`` unless it is exactly one, in the only way to write it.

    At most 64 KiB and 100 signatures. Signatures of any type are taken; ``verify_note`` looks at those of known keys.
    """
    if len(raw) > MAX_NOTE_BYTES:
        _refuse(f"it has {len(raw)} bytes, the limit is {MAX_NOTE_BYTES}")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("it is not UTF-8")
    end = whole.rfind("\n\n")
    if end < 0 or not whole.endswith("\n"):
        _refuse("a text, an empty line and signatures are needed, each line with its line break")
    text, lines = whole[: end + 1], whole[end + 2 :].split("\n")[:-1]
    _check_text(text)
    if not 0 < len(lines) <= MAX_SIGNATURES:
        _refuse(f"it must have 1 to {MAX_SIGNATURES} signatures")
    return SignedNote(text, tuple(_signature(line) for line in lines))


def verify_note(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return those of ``keys`` that signed ``note``, at least one; signatures of other keys are ignored.

    Raises ``SignatureError`` if none of them did, or if one signature under a known name and id is false.
    """
    known = {(key.name, key.key_id): key for key in keys}
    signers = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verifies(note.text, signature.value):
            raise SignatureError(f"the signature of {key.id} is false: the note was changed or made with another key")
        if key not in signers:
            signers.append(key)
    if not signers:
        raise SignatureError("the note is signed by no known key")
    return tuple(signers)


def check_name(name: str) -> None:
    """Raise ``NoteError`` unless ``name`` can name a key: not empty, no space, no "+", no control character."""
    if not name or "+" in name or any(character.isspace() for character in name) or _CONTROL.search(name):
        raise NoteError('the name of a key must not be empty and must hold no space, no "+" and no control character')
    if not _is_unicode(name):
        raise NoteError("the name of a key holds a lone surrogate")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text) or not _is_unicode(text):
        _refuse("its text must end in a line break, be Unicode and hold no control characters")


def _signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not separator:
        _refuse("a signature line must be an em dash, a name and base64, separated by single spaces")
    check_name(name)
    content = _decode(encoded, "a signature")
    if len(content) <= _KEY_ID_BYTES:
        _refuse("a signature is too short")
    return Signature(name, content[:_KEY_ID_BYTES], content[_KEY_ID_BYTES:])


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decode(text: str, what: str) -> bytes:
    """Return what ``text`` encodes; one content has one spelling, so bits that decoding would drop are refused."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoteError(f"{what} is not base64") from None
    if _encode(content) != text:
        raise NoteError(f"{what} is not in the canonical form of base64")
    return content


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse(problem: str) -> NoReturn:
    raise NoteError(f"not a signed note: {problem}")
