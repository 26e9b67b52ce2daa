"""The file that holds the signing keys: Ed25519 private keys in PEM (PKCS #8), the oldest first.

Every key in it signs every checkpoint, and the last one is the key in force. So a key is replaced by writing a new one after
it, and the old one leaves the file when everybody who verifies knows the new one. What stands between the keys is not read,
but for a line ``reason: …`` before a key, which says why it came. ``openssl genpkey -algorithm ed25519`` makes a key.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from proof.errors import NoteError, StartError
from proof.files.durable import replace_file
from proof.format.note import SigningKey, VerifierKey, parse_note, verify_note

_log = logging.getLogger(__name__)
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.*?\n-----END \1-----\n?", re.DOTALL)
_REASON = re.compile(r"^reason: (.*)$", re.MULTILINE)
_MAX_FILE_BYTES = 64 * 1024
_MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of a log, at least one, oldest first; ``reason`` says why the last one came."""

    keys: tuple[SigningKey, ...]
    reason: str = ""

    @property
    def newest(self) -> SigningKey:
        """The key that is in force, or comes into force."""
        return self.keys[-1]

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The public halves."""
        return tuple(key.verifier for key in self.keys)

    def get(self, key_id: str) -> SigningKey | None:
        """Return the key with this id (``name+8 hex``), or None."""
        return next((key for key in self.keys if key.verifier.id == key_id), None)


def read_keys(path: Path, name: str) -> KeyRing:
    """Return the keys in ``path`` under ``name``; raises ``StartError`` for a file that is not such a file."""
    text = _text(path)
    keys: list[SigningKey] = []
    reason = ""
    end = 0
    for block in _BLOCK.finditer(text):
        keys.append(SigningKey(name, _private(block[0], path)))
        found = _REASON.findall(text, end, block.start())
        reason, end = found[-1].strip()[:_MAX_REASON] if found else "", block.end()
    if not keys or "-----BEGIN" in text[end:]:
        raise StartError(
            f"the key file {path} holds no whole private key in PEM: make one with `openssl genpkey -algorithm ed25519`"
        )
    if len({key.verifier.id for key in keys}) != len(keys):
        raise StartError(f"the key file {path} holds a key twice: remove one of them")
    return KeyRing(tuple(keys), reason)


def create_keys(path: Path, name: str) -> KeyRing:
    """Make a key file with one new key, readable by its owner only; raises ``StartError`` if it exists or cannot be made."""
    if path.exists():
        raise StartError(f"the key file {path} exists already: it is never replaced")
    _write(path, _pem(Ed25519PrivateKey.generate()))
    ring = read_keys(path, name)
    _log.info("made the signing key %s in %s: keep a copy of the file in a safe place", ring.newest.verifier.id, path)
    return ring


def add_key(path: Path, name: str, reason: str) -> KeyRing:
    """Write a new key after those in the file; raises ``StartError`` while an earlier rotation is not finished."""
    ring = read_keys(path, name)
    if len(ring.keys) > 1:
        raise StartError(
            f"the key file {path} holds {len(ring.keys)} keys: a rotation is under way, finish it before the next one"
        )
    if not reason.isprintable() or len(reason) > _MAX_REASON:
        raise StartError(f"the reason must be one line of at most {_MAX_REASON} printable characters")
    text = _text(path)
    note = f"reason: {reason}\n" if reason else ""
    _write(path, text + ("" if text.endswith("\n") else "\n") + note + _pem(Ed25519PrivateKey.generate()))
    return read_keys(path, name)


def drop_old_keys(path: Path, name: str, last_signed: bytes | None = None) -> KeyRing:
    """Leave the last key alone in the file; raises ``StartError`` if it is alone already, or not in force yet.

    ``last_signed`` is the signed note that the ledger goes on from, if it is at hand. Before the last key signed, the key
    in force is one of those that would be lost.
    """
    ring = read_keys(path, name)
    if len(ring.keys) == 1:
        raise StartError(f"the key file {path} holds one key: there is no rotation to finish")
    if last_signed is not None and not _signed(last_signed, ring.newest.verifier):
        raise StartError(
            f"the key {ring.newest.verifier.id} in {path} is not in force yet: start proofd again before the rotation is "
            "finished, or the ledger loses its key"
        )
    last = list(_BLOCK.finditer(_text(path)))[-1]
    _write(path, last[0])
    return read_keys(path, name)


def _signed(note: bytes, key: VerifierKey) -> bool:
    try:
        return bool(verify_note(parse_note(note), [key]))
    except NoteError:
        return False


def _text(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o007:
            _log.warning("everybody on this machine may use the key file %s: chmod 600 it", path)
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise StartError(f"the key file {path} is larger than {_MAX_FILE_BYTES} bytes: it is no key file")
        return content.decode("ascii").replace("\r\n", "\n")
    except OSError as error:
        raise StartError(
            f"the key file {path} cannot be read: {error.strerror}: correct PROOF_KEY_FILE, or put the file back"
        ) from None
    except UnicodeDecodeError:
        raise StartError(f"the key file {path} is not text: it must hold private keys in PEM") from None


def _private(pem: str, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode("ascii"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):  # the reasons that it gives may quote the file
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise StartError(f"the key file {path} holds something else than unencrypted Ed25519 private keys in PEM")
    return key


def _pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path.resolve(), text.encode("ascii"))  # of a link, the file that it leads to
    except UnicodeEncodeError:
        raise StartError("the reason must be plain ASCII") from None
    except OSError as error:
        raise StartError(f"the key file {path} cannot be written: {error.strerror}") from None
