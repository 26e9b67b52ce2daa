"""One byte form for JSON data, for digests inside Lumen (the ledger's own bytes are RFC 8785 and live in ``proof``)."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(data: Any) -> bytes:
    """Return ``data`` as UTF-8 JSON with sorted keys and no spaces; raises ``ValueError`` on NaN and infinities."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def digest(data: Any) -> str:
    """Return ``sha256:<64 hex digits>`` of the canonical JSON of ``data``."""
    return "sha256:" + hashlib.sha256(canonical_json(data)).hexdigest()
