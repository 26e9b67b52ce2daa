"""The check of the checkpoints that the ledger keeps: each is signed by a key of the log, and is over its entries."""

from __future__ import annotations

from collections.abc import Sequence

from proof.errors import BrokenChainError, NoteError
from proof.format.chain import check_entry
from proof.format.kinds import ROTATION_PREFIX
from proof.format.merkle import tree_head
from proof.format.note import VerifierKey, parse_note, verify_note
from proof.signing.trust import ROTATION_PART, read_rotation
from proof.store import KeptCheckpoint, LedgerStore
from proof.storing.checking import stated_root

_STEP = 500
"""Of so many one by one a minute, so that the check takes no longer as their number grows."""
_PAGE = 1000


class KeptCheck:
    """Checks the kept checkpoints of one open ledger. Called by one thread at a time."""

    def __init__(self, store: LedgerStore, origin: str, keys: Sequence[VerifierKey]) -> None:
        """``keys`` are those that sign now; those before them are found in the ledger itself."""
        self._store = store
        self._origin = origin
        self._keys = tuple(keys)
        self._former: tuple[VerifierKey, ...] | None = None
        self._blind = 0
        self._after = -1

    def all(self) -> None:
        """Check the signatures of all of them; that they have the root of their entries is known from a full verification.

        Raises ``BrokenChainError`` with the code ``checkpoint``, and ``UnavailableError``.
        """
        after = -1
        while page := self._store.checkpoints(after, _PAGE):
            for kept in page:
                self._signature(kept)
            after = page[-1].size

    def some(self) -> None:
        """Check signature and root of the next ones after those of the last call, and begin anew after the last.

        Raises as ``all``.
        """
        page = self._store.checkpoints(self._after, _STEP)
        for kept in page:
            self._signature(kept)
            root = stated_root(kept, self._origin)
            if kept.size > self._store.head.height or tree_head(kept.size, self._store.nodes).root != root:
                raise _broken(kept, "it has another root than the entries that it is over")
        self._after = page[-1].size if page else -1

    def _signature(self, kept: KeptCheckpoint) -> None:
        stated_root(kept, self._origin)
        keys = (*self._keys, *self._former_keys())
        try:
            note = parse_note(kept.note)
            known = {(key.name, key.key_id) for key in keys}
            if kept.size > self._blind or any((one.name, one.key_id) in known for one in note.signatures):
                verify_note(note, keys)
        except NoteError as error:
            raise _broken(kept, str(error)) from None

    def _former_keys(self) -> tuple[VerifierKey, ...]:
        """Return the keys that rotations name. Where a rotation was erased, no key before it is known any more."""
        if self._former is None:
            found: list[VerifierKey] = []
            for seq in self._store.find(ROTATION_PREFIX, 0, _PAGE):
                stored = self._store.entry(seq)
                for part in () if stored is None else stored.parts:
                    if stored is None or part.name != ROTATION_PART:
                        continue
                    if part.data is None:
                        self._blind = seq + 1
                    else:
                        turn = read_rotation(check_entry(stored, self._store.log), part.data)
                        found += (turn.old, turn.new)
            self._former = tuple(found)
        return self._former


def _broken(kept: KeptCheckpoint, problem: str) -> BrokenChainError:
    return BrokenChainError(None, "checkpoint", f"the kept checkpoint over {kept.size} entries: {problem}")
