"""Writes what a ledger holds about one alert as one file that verifies by itself: see docs/ledger-format.md. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proof.exporting.writer import ExportError
from proof.format.canonical import canonical_bytes
from proof.format.chain import StoredEntry

FORMAT = "lumen-proof-bundle"
VERSION = 1
MAX_BYTES = 128 * 1024 * 1024
"""A verifier reads no larger one, since it has all of it in memory."""


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry and its inclusion proof (hashes of 32 bytes, nearest to the leaf first)."""

    stored: StoredEntry
    proof: Sequence[bytes]


def bundle_bytes(origin: str, log: str, alert_key: str, checkpoint: bytes, entries: Sequence[ProvenEntry]) -> bytes:
    """Return the file; ``checkpoint`` is the signed note that the proofs lead to, ``entries`` ascend by ``seq``.

    Raises ``ExportError`` if it is too large for a verifier.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "origin": origin,
        "log": log,
        "alert_key": alert_key,
        "checkpoint": checkpoint.decode("utf-8"),
        "entries": [_item(entry) for entry in entries],
    }
    whole = canonical_bytes(content) + b"\n"
    if len(whole) > MAX_BYTES:
        raise ExportError(f"the bundle would have {len(whole)} bytes, the limit is {MAX_BYTES}: take an export")
    return whole


def _item(entry: ProvenEntry) -> dict[str, Any]:
    return {
        "entry": entry.stored.body.decode("utf-8"),
        "proof": [base64.b64encode(one).decode("ascii") for one in entry.proof],
        "parts": [
            {
                "name": part.name,
                "salt": None if part.salt is None else part.salt.hex(),
                "data": None if part.data is None else part.data.decode("utf-8"),
            }
            for part in sorted(entry.stored.parts, key=lambda one: one.name)
        ],
    }
