"""The entry with which one signing key takes over from another. It is written by the ledger itself, under the old key."""

from __future__ import annotations

from proof.errors import StartError
from proof.format.entry import NO_KEY, part_bytes
from proof.format.kinds import KEY_ROTATED, ROTATION_PREFIX
from proof.format.note import VerifierKey
from proof.signing.keyfile import KeyRing
from proof.signing.trust import ROTATION_PART
from proof.store import LedgerStore
from proof.storing.draft import Draft


def rotation_draft(old: VerifierKey, new: VerifierKey, reason: str) -> Draft:
    """Return the draft of ``key.rotated``: the id of the new key in ``idem``, both vkeys and the reason in its part."""
    content = {"type": KEY_ROTATED, "old_vkey": str(old), "new_vkey": str(new), "reason": reason}
    return Draft(f"{ROTATION_PREFIX}{new.id}", KEY_ROTATED, {ROTATION_PART: part_bytes(ROTATION_PART, content)})


def bring_into_force(store: LedgerStore, ring: KeyRing, where: str) -> None:
    """Let the newest key of ``ring`` be the one that entries name, after a rotation entry if another one is in force.

    Nothing may be appended meanwhile. Raises ``StartError`` if the key in force is not among those in ``where``.
    """
    newest = ring.newest.verifier
    if store.key not in {NO_KEY, newest.id}:
        old = ring.get(store.key)
        if old is None:
            raise StartError(
                f"the key in force, {store.key}, is not in {where}: put it back. A new key comes after it in the file, and it "
                "leaves the file when the new one is in force"
            )
        if store.entry_by_idem(f"{ROTATION_PREFIX}{newest.id}") is not None:
            raise StartError(f"the key {newest.id} in {where} was in force before: a new key must be new")
        store.append(rotation_draft(old.verifier, newest, ring.reason)).result(60)
    store.use_key(newest.id)
