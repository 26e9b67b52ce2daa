"""Erases a part and records it, in one transaction, on the machine of the ledger: nobody can ask proofd for it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from proof.errors import ProofError, StartError, UnavailableError
from proof.format.entry import part_bytes
from proof.format.kinds import KEY_ROTATED, PART_ERASED, erased_idem
from proof.signing.continuity import missing_objection, objection
from proof.signing.last_signed import LastSigned
from proof.store import LedgerStore, LogIdentity, Receipt, is_postgresql, open_store, sqlite_path
from proof.storing.draft import Draft

_SECONDS = 60.0


class ErasureError(ProofError):
    """There is no such part, or it cannot be erased."""

    reason = "not_erased"


def erase(dsn: str, identity: LogIdentity, checkpoint_file: Path, seq: int, name: str, reason: str) -> Receipt:
    """Erase the part ``name`` of entry ``seq``, and return the receipt of the entry that records it.

    ``reason`` stands in that entry for good. proofd must not be running there; its next start signs the entry. Raises
    ``ErasureError``, ``IdemConflictError`` if it was erased for another reason, and ``StartError`` if the ledger does not
    verify, does not go on from the last signed checkpoint, or refuses the change. Then nothing was changed.
    """
    if not is_postgresql(dsn) and not sqlite_path(dsn).exists():  # opening it would make a new one
        raise StartError(f"there is no ledger in {sqlite_path(dsn)}: correct PROOF_DSN or LUMEN_DATA_DIR")
    failures: list[BaseException] = []
    with contextlib.ExitStack() as undo:
        store = open_store(dsn, identity, failures.append)
        undo.callback(store.close)
        last = LastSigned.open(checkpoint_file)
        undo.callback(last.release)
        raw = last.load()
        where = f"the last signed checkpoint {last.path}"
        problem = missing_objection(store) if raw is None else objection(store, identity.origin, raw, where, None)
        if problem is not None:
            raise StartError(f"{problem}. Nothing was erased")
        _check(store, seq, name)
        content = {"type": PART_ERASED, "seq": seq, "name": name, "reason": reason}
        draft = Draft(erased_idem(seq, name), PART_ERASED, {"erasure": part_bytes("erasure", content)})
        try:
            return store.append(draft).result(_SECONDS)
        except UnavailableError as error:
            raise StartError(f"{failures[0] if failures else error}. Nothing was erased") from None


def _check(store: LedgerStore, seq: int, name: str) -> None:
    stored = store.entry(seq)
    if stored is None:
        raise ErasureError(f"there is no entry {seq}; the ledger holds {store.head.height}")
    names = [part.name for part in stored.parts]
    if name not in names:
        raise ErasureError(f"entry {seq} has no part {name!a}; it has: {', '.join(names) or 'none'}")
    if stored.idem.startswith(f"{KEY_ROTATED}/"):
        raise ErasureError(f"entry {seq} names the keys of the log, which nobody could then verify: it stays")
