"""The whole ledger against a list: appends, retries, conflicts, crashes, restored copies, rotations and checks in any order."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from prometheus_client import CollectorRegistry

from proof.errors import IdemConflictError, UnavailableError
from proof.format.checkpoint import open_checkpoint
from proof.format.kinds import KEY_ROTATED
from proof.format.merkle import EMPTY_TREE, TreeHead, consistency_proof, verify_consistency
from proof.ledger import open_ledger
from proof.signing.keyfile import add_key, drop_old_keys, read_keys
from proof.store import Receipt, beside
from tests.proof.samples import IDENTITY, ORIGIN, append, draft, places

SECONDS = 60.0
contents = st.integers(0, 9) | st.text(max_size=5) | st.lists(st.booleans(), max_size=3)


def fail(error: BaseException) -> None:
    """Stand for the end of the process: nothing here may fail by itself."""
    raise error


class SignedMachine(RuleBasedStateMachine):
    """One ledger with its key and its checkpoint, which moves to another folder when it crashes."""

    def __init__(self) -> None:
        """Open a new ledger."""
        super().__init__()
        self.root = tempfile.TemporaryDirectory()
        self.lives = 0
        self.path = self.folder() / "proof.db"
        self.model: list[tuple[str, Any, Receipt] | None] = []  # None: a rotation
        self.backups: dict[int, Path] = {}
        self.seen: TreeHead = EMPTY_TREE
        self.open()

    def folder(self) -> Path:
        """Make the folder of another life."""
        self.lives += 1
        folder = Path(self.root.name) / str(self.lives)
        folder.mkdir()
        return folder

    def open(self) -> None:
        """Open the ledger as proofd does."""
        self.ledger = open_ledger(f"sqlite:///{self.path}", IDENTITY, places(self.path), CollectorRegistry(), fail)

    def teardown(self) -> None:
        """Close and remove it."""
        self.ledger.close()
        self.root.cleanup()

    @rule(data=contents)
    def append_new(self, data: Any) -> None:
        """A new key gets the next number."""
        idem = f"key-{len(self.model)}"
        receipt = append(self.ledger.store, draft(idem, action=data))
        assert (receipt.seq, receipt.duplicate) == (len(self.model), False)
        self.model.append((idem, data, receipt))

    @precondition(lambda self: any(self.model))
    @rule(choice=st.data())
    def retry(self, choice: st.DataObject) -> None:
        """A used key with the same data gets its first receipt, and with other data a conflict."""
        idem, data, first = choice.draw(st.sampled_from([known for known in self.model if known]))
        again = append(self.ledger.store, draft(idem, action=data))
        assert again == Receipt(first.seq, first.leaf, first.prev, first.height, duplicate=True)
        with pytest.raises(IdemConflictError):
            append(self.ledger.store, draft(idem, action=[data]))

    @rule()
    def reopen(self) -> None:
        """An orderly restart changes nothing."""
        self.ledger.close()
        self.open()

    @rule()
    def crash(self) -> None:
        """What is on the disk at any moment, taken without closing anything, is a ledger that goes on."""
        folder = self.folder()
        key, note = beside(self.path)
        # The checkpoint first: it may be written at any time, and only after what it is over.
        for name in (note, key, *sorted(self.path.parent.glob("proof.db*"))):
            target = folder / name.relative_to(self.path.parent)
            target.parent.mkdir(exist_ok=True)
            if name.is_file() and name.suffix != ".lock" and not name.name.endswith("-shm"):
                shutil.copy(name, target)
        self.ledger.close()
        self.path = folder / "proof.db"
        self.open()

    @rule()
    def back_up(self) -> None:
        """Take a copy of the database, as an operator does."""
        copy = Path(self.root.name) / f"backup-{len(self.model)}.db"
        with contextlib.closing(sqlite3.connect(self.path)) as db, contextlib.closing(sqlite3.connect(copy)) as other:
            db.backup(other)
        self.backups[len(self.model)] = copy

    @precondition(lambda self: any(height < len(self.model) for height in self.backups))
    @rule(choice=st.data())
    def restore(self, choice: st.DataObject) -> None:
        """An older copy opens read-only and says why; with the newest one back all is well."""
        height = choice.draw(st.sampled_from(sorted(height for height in self.backups if height < len(self.model))))
        self.ledger.close()
        newest = self.path.read_bytes()
        note = beside(self.path)[1].read_bytes()
        shutil.copy(self.backups[height], self.path)
        self.open()
        assert f"has {height} entries" in (self.ledger.store.failure or "")
        assert not self.ledger.verifier.ok
        with pytest.raises(UnavailableError):
            self.ledger.store.append(draft("new"))
        assert self.ledger.store.head.height == height
        self.ledger.close()
        assert beside(self.path)[1].read_bytes() == note
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.write_bytes(newest)
        self.open()

    @rule()
    def rotate(self) -> None:
        """A new key takes over with an entry, then the old one leaves without one."""
        key = beside(self.path)[0]
        self.ledger.close()
        if len(read_keys(key, ORIGIN).keys) == 1:
            new = add_key(key, ORIGIN, "because").newest
            if self.model:
                self.model.append(None)
        else:
            new = drop_old_keys(key, ORIGIN).newest
        self.open()
        assert self.ledger.store.key == new.verifier.id

    @rule(full=st.booleans())
    def verify(self, full: bool) -> None:
        """Both checks hold."""
        assert self.ledger.verifier.verify(full=full).ok

    @invariant()
    def it_is_signed(self) -> None:
        """The ledger takes entries, and its checkpoint is over all of them, by the keys of the file, and extends the last."""
        store = self.ledger.store
        assert store.failure is None
        assert store.head.height == len(self.model)
        note = self.ledger.notary.covering(len(self.model), SECONDS).note
        ring = read_keys(beside(self.path)[0], ORIGIN)
        for key in ring.verifiers:
            tree = open_checkpoint(note, ORIGIN, [key]).tree
            assert tree == store.seal()
        verify_consistency(self.seen, tree, consistency_proof(self.seen.size, tree.size, store.nodes))
        self.seen = tree
        kinds = [b'"kind":"%b"' % KEY_ROTATED.encode() in entry.body for entry in store.entries(0, 1000)]
        assert kinds == [known is None for known in self.model]


SignedMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
TestSignedMachine = SignedMachine.TestCase
