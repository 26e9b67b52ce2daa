"""What a caller asks to append, checked completely before the writer sees it, so that a batch cannot fail on bad input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from proof.errors import ProfileError, ReservedError
from proof.format.entry import is_part_name, part_bytes
from proof.format.kinds import CLIENT_KINDS, LEDGER_KINDS

MAX_IDEM_CHARS = 512
MAX_PARTS = 64
MAX_PART_NAME = 64


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked append: business key, kind, and the canonical bytes of each part by name.

    ``idem`` and ``kind`` stand in the hashed entry and can never be erased: whatever identifies a person belongs in a part.
    """

    idem: str
    kind: str
    parts: Mapping[str, bytes]


def draft_of(request: Any) -> Draft:
    """Return the draft of ``{"idem": str, "kind": str, "parts": {name: any JSON}}``.

    Raises ``ProfileError`` with the field at fault: wrong types, unknown or missing fields, an ``idem`` that is empty,
    longer than 512 characters or not printable, an unknown ``kind``, more than 64 parts, a part name other than
    ``[a-z0-9_]{1,64}``, or part data that has no canonical form. Raises ``ReservedError`` for what only the ledger writes.
    """
    if not isinstance(request, dict) or request.keys() != {"idem", "kind", "parts"}:
        _refuse("the request must be an object with exactly the fields idem, kind and parts")
    idem, kind, parts = request["idem"], request["kind"], request["parts"]
    check_idem(idem)
    if (isinstance(kind, str) and kind in LEDGER_KINDS) or idem.partition("/")[0] in LEDGER_KINDS:
        raise ReservedError("kind, idem: " + " and ".join(sorted(LEDGER_KINDS)) + " are written by the ledger itself")
    if not isinstance(kind, str) or kind not in CLIENT_KINDS:
        _refuse("kind: must be one of " + ", ".join(sorted(CLIENT_KINDS)))
    if not isinstance(parts, dict):
        _refuse("parts: must be an object that maps a name to JSON data")
    if len(parts) > MAX_PARTS:
        _refuse(f"parts: holds {len(parts)} parts, the limit is {MAX_PARTS}")
    for name in parts:
        if not is_part_name(name) or len(name) > MAX_PART_NAME:
            _refuse(f"parts: the name {name[:MAX_PART_NAME]!a} is not of the form [a-z0-9_]{{1,{MAX_PART_NAME}}}")
    return Draft(idem, kind, {name: part_bytes(name, data) for name, data in parts.items()})


def check_idem(idem: Any) -> str:
    """Return ``idem``; raises ``ProfileError`` unless it is 1 to 512 printable characters."""
    if not isinstance(idem, str) or not 0 < len(idem) <= MAX_IDEM_CHARS:
        _refuse(f"idem: must be a text of 1 to {MAX_IDEM_CHARS} characters")
    if not idem.isprintable():
        _refuse("idem: holds a character that is not printable (control, line break, NUL or surrogate): remove it")
    return idem


def _refuse(message: str) -> NoReturn:
    raise ProfileError(message)
