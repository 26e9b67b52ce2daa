"""The bytes of the ledger: log id, entry, leaf hash and part commitment. Pure, and binding for everything ever written.

    log    = hex(SHA-256("lumen/proof/v1\\n" || u32be(len origin) || origin || u32be(len salt) || salt))
    entry  = RFC 8785 JSON of {at, bytes, idem, key, kind, log, parts, prev, seq, v}
    leaf_i = SHA-256(0x00 || entry_i)                 (the leaf hash of RFC 6962, so a Merkle tree fits over it)
    prev_0 = log, prev_i = hex(leaf_{i-1})
    part   = HMAC-SHA-256(salt32, "lumen/proof/v1/part\\n" || name || "\\n" || RFC 8785 JSON of the part)

Profile of an entry: keys ``[a-z0-9_]+``, no floats, integers within +-(2^53-1), valid UTF-8, no duplicate keys, at most
65,535 bytes. Parts are any JSON; the entry holds only their commitments, so data and salt of a part can be erased later.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from proof.errors import MalformedJsonError, NonCanonicalError, ProfileError
from proof.format.canonical import INT_LIMIT, canonical_bytes, parse_json, plain_bytes

VERSION = 1
MAX_ENTRY_BYTES = 65_535  # tile formats write the length of an entry as u16
SALT_BYTES = 32
NO_KEY = "none"
"""``key`` of an entry made while no signing key was in force; otherwise the vkey id, ``<name>+<8 hex digits>``."""

_TAG = b"lumen/proof/v1\n"
_PART_TAG = b"lumen/proof/v1/part\n"
_NAME = re.compile(r"[a-z0-9_]+")
_HASH = re.compile(r"[0-9a-f]{64}")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_TEXT_FIELDS = ("at", "idem", "key", "kind", "log", "prev")
_INT_FIELDS = ("bytes", "seq", "v")
_FIELDS = frozenset((*_TEXT_FIELDS, *_INT_FIELDS, "parts"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is hashed.

    ``log`` and ``prev`` are 64 hex digits; ``at`` is the ledger's own clock (RFC 3339, UTC, microseconds): a claim, since
    order comes from ``seq`` alone; ``parts`` maps a name to the hex commitment of that part; ``size`` (``bytes`` in the
    JSON) is the total length of the parts' canonical bytes and stays true after an erasure.
    """

    log: str
    seq: int
    prev: str
    idem: str
    kind: str
    at: str
    parts: Mapping[str, str]
    size: int
    key: str = NO_KEY


def log_id(origin: str, salt: bytes) -> str:
    """Return the id of a log (64 hex digits), part of every entry and the ``prev`` of the first.

    ``salt`` separates domains and is neither secret nor a key: losing it loses nothing, changing it makes another log.
    """
    name = origin.encode("utf-8")
    framed = b"".join((_TAG, len(name).to_bytes(4, "big"), name, len(salt).to_bytes(4, "big"), salt))
    return hashlib.sha256(framed).hexdigest()


def leaf_hash(body: bytes) -> bytes:
    """Return the RFC 6962 leaf hash (32 bytes) of the bytes of an entry."""
    return hashlib.sha256(b"\x00" + body).digest()


def part_commitment(salt: bytes, name: str, data: bytes) -> str:
    """Return the commitment (64 hex digits) to the canonical bytes of one part under its own 32-byte salt."""
    if len(salt) != SALT_BYTES:
        raise ProfileError(f"the salt of a part must have {SALT_BYTES} bytes, not {len(salt)}")
    return hmac.digest(salt, _PART_TAG + name.encode("utf-8") + b"\n" + data, "sha256").hex()


def encode_entry(entry: Entry) -> bytes:
    """Return the bytes that are stored and hashed; raises ``ProfileError`` if the entry is outside the profile."""
    fields = {
        "v": VERSION,
        "log": entry.log,
        "seq": entry.seq,
        "prev": entry.prev,
        "idem": entry.idem,
        "kind": entry.kind,
        "at": entry.at,
        "key": entry.key,
        "parts": dict(entry.parts),
        "bytes": entry.size,
    }
    _check_fields(fields)
    body = _bytes_of(fields)
    if len(body) > MAX_ENTRY_BYTES:
        raise ProfileError(f"the entry would have {len(body)} bytes, the limit is {MAX_ENTRY_BYTES}: use fewer parts")
    return body


def decode_entry(body: bytes) -> Entry:
    """Return the entry that these bytes encode; raises ``ProfileError`` unless they are exactly its canonical bytes."""
    if len(body) > MAX_ENTRY_BYTES:
        raise ProfileError(f"the entry has {len(body)} bytes, the limit is {MAX_ENTRY_BYTES}")
    try:
        fields = parse_json(body)
    except MalformedJsonError as error:
        raise ProfileError(str(error)) from None
    _check_fields(fields)
    if _bytes_of(fields) != body:
        raise NonCanonicalError("the bytes are not the canonical form of their content")
    return Entry(
        log=fields["log"],
        seq=fields["seq"],
        prev=fields["prev"],
        idem=fields["idem"],
        kind=fields["kind"],
        at=fields["at"],
        parts=fields["parts"],
        size=fields["bytes"],
        key=fields["key"],
    )


def part_bytes(name: str, data: Any) -> bytes:
    """Return the canonical bytes of one part, raising ``ProfileError`` with the part's name in the place."""
    try:
        return canonical_bytes(data)
    except ProfileError as error:
        raise ProfileError(f"parts.{name}: {error}") from None


def is_part_name(name: str) -> bool:
    """Tell whether ``name`` may be a key of an entry."""
    return _NAME.fullmatch(name) is not None


def _bytes_of(fields: dict[str, Any]) -> bytes:
    try:
        return plain_bytes(fields)
    except UnicodeEncodeError:
        raise ProfileError("a text of the entry holds a lone surrogate") from None


def _check_fields(fields: Any) -> None:
    """Raise unless these are the fields of an entry; then they are inside the profile too, but for surrogates in texts."""
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise ProfileError("an entry has exactly the fields " + ", ".join(sorted(_FIELDS)))
    for name in _TEXT_FIELDS:
        if not isinstance(fields[name], str) or not fields[name]:
            _refuse(name, "must be a text that is not empty")
    for name in _INT_FIELDS:
        if type(fields[name]) is not int or not 0 <= fields[name] <= INT_LIMIT:
            _refuse(name, "must be an integer from 0 to 2^53-1")
    if fields["v"] != VERSION:
        _refuse("v", f"must be {VERSION}; this program knows no other version")
    if not _AT.fullmatch(fields["at"]):
        _refuse("at", "must be like 2026-01-31T12:00:00.000000Z")
    _check_hash("log", fields["log"])
    _check_hash("prev", fields["prev"])
    _check_commitments(fields["parts"])


def _check_commitments(parts: Any) -> None:
    if not isinstance(parts, dict):
        _refuse("parts", "must be an object")
    for name, commitment in parts.items():
        if not isinstance(name, str) or not is_part_name(name):
            _refuse("parts", "must have keys of the form [a-z0-9_]+")
        _check_hash("parts", commitment)


def _check_hash(field: str, value: Any) -> None:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        _refuse(field, "must hold 64 lower-case hex digits")


def _refuse(field: str, problem: str) -> NoReturn:
    raise ProfileError(f"the field {field} of an entry {problem}")
