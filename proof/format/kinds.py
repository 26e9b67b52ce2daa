"""The kinds of entries, and the keys of those that the ledger itself writes. Pure."""

from __future__ import annotations

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


def erased_idem(seq: int, name: str) -> str:
    """Return the idempotency key of the entry that records the erasure of a part."""
    return f"{PART_ERASED}/{seq}/{name}"
