"""The kinds of entries, and the keys of those that the ledger itself writes. Pure."""

from __future__ import annotations

import re

KEY_ROTATED = "key.rotated"
PART_ERASED = "part.erased"
LEDGER_KINDS = frozenset({KEY_ROTATED, PART_ERASED})
"""What the ledger itself writes: nobody can ask for it, nor for a key that begins with one of these and a slash."""
CLIENT_KINDS = frozenset(
    {
        "action.started",
        "action.finished",
        "action.void",
        "approval_quorum_decision",
        "auto_remediation",
        "command",
        "override",
        "rules.loaded",
    }
)
KINDS = CLIENT_KINDS | LEDGER_KINDS
ROTATION_PREFIX = f"{KEY_ROTATED}/"
"""What the idempotency key of a rotation begins with; the id of the new key follows."""


_ERASED = re.compile(rf"{re.escape(PART_ERASED)}/(0|[1-9][0-9]{{0,15}})/([a-z0-9_]+)")


def erased_part(idem: str) -> tuple[int, str] | None:
    """Return entry and name of the part whose erasure the entry with this key records, or None for another key."""
    match = _ERASED.fullmatch(idem)
    return None if match is None else (int(match[1]), match[2])


def erased_idem(seq: int, name: str) -> str:
    """Return the idempotency key of the entry that records the erasure of a part."""
    return f"{PART_ERASED}/{seq}/{name}"
