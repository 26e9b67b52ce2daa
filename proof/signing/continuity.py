"""Does this ledger go on from what was signed before? The question that every start asks before anything is signed."""

from __future__ import annotations

from proof.errors import NoteError
from proof.format.checkpoint import Checkpoint, parse_checkpoint
from proof.format.entry import NO_KEY
from proof.format.merkle import tree_head
from proof.format.note import VerifierKey, parse_note, verify_note
from proof.store import LedgerStore

_WAY_OUT = (
    "Put the newer ledger back; or keep this one as it is and begin a new one, "
    "with another PROOF_ORIGIN, PROOF_DSN and PROOF_CHECKPOINT_FILE"
)


def was_signed(store: LedgerStore) -> bool:
    """Tell whether the ledger itself shows that checkpoints of it were signed."""
    return store.key != NO_KEY or bool(store.checkpoints(count=1))


def objection(
    store: LedgerStore, origin: str, raw: bytes, where: str, keys: tuple[VerifierKey, ...] | None
) -> str | None:
    """Return why nothing may be added to ``store`` after the signed note ``raw``, or None if it goes on from there.

    ``where`` names the note for everybody: no path. ``keys`` are those that may have signed it; None: compare what it
    says, whoever signed it. Raises ``BrokenChainError`` if the store cannot be read.
    """
    try:
        checkpoint = _opened(raw, origin, keys)
    except NoteError as error:
        return f"{where} cannot be used: {error}. Put back what was there"
    size, height = checkpoint.tree.size, store.head.height
    if size > height:
        return (
            f"the ledger has {height} entries, but {where} was signed over {size}: "
            f"an older copy of the ledger was put in its place. {_WAY_OUT}"
        )
    if tree_head(size, store.nodes) != checkpoint.tree:
        return (
            f"the first {size} entries of the ledger are not those over which {where} was signed: "
            f"its history is another one. {_WAY_OUT}"
        )
    return None


def missing_objection(store: LedgerStore) -> str | None:
    """Return why nothing may be added to ``store`` when there is no last signed checkpoint, or None."""
    if not was_signed(store):
        return None
    return (
        "the last signed checkpoint is not in its place, although the ledger has been signed: it cannot be seen whether this "
        "copy is the newest. Put the file back, or the newest checkpoint of this ledger that you keep elsewhere"
    )


def _opened(raw: bytes, origin: str, keys: tuple[VerifierKey, ...] | None) -> Checkpoint:
    note = parse_note(raw)
    if keys is not None:
        verify_note(note, keys)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise NoteError(f"it is a checkpoint of {checkpoint.origin!a}, and this ledger is {origin!a}")
    return checkpoint


def checked_note(raw: bytes | None, origin: str, keys: tuple[VerifierKey, ...]) -> Checkpoint | None:
    """Return the checkpoint in ``raw`` if it is one of this log by these keys, None otherwise."""
    try:
        return None if raw is None else _opened(raw, origin, keys)
    except NoteError:
        return None
