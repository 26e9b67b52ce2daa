"""The notary: a checkpoint over every commit, each extends the one before, none is shown that the disk does not have."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import pytest

from proof.errors import BrokenChainError, UnavailableError
from proof.format.checkpoint import open_checkpoint
from proof.format.merkle import EMPTY_TREE, TreeHead, consistency_proof, verify_consistency
from proof.signing import notary as notary_module
from proof.signing.keyfile import create_keys
from proof.signing.last_signed import LastSigned
from proof.signing.notary import Notary, Published
from proof.store import beside
from tests.proof.samples import LOG, ORIGIN, append, draft, open_ledger, signed_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proof.store import LedgerStore

SECONDS = 60.0


class Watched(LastSigned):
    """Remembers every note that was put on the disk, and can be told to fail."""

    def __init__(self, last: LastSigned) -> None:
        """Stand for an open file."""
        super().__init__(last.path, last._lock)
        self.notes: list[bytes] = []
        self.failure: Exception | None = None

    def swap(self, expected: bytes | None, note: bytes) -> None:
        """Write it, or fail."""
        if self.failure is not None:
            raise self.failure
        super().swap(expected, note)
        self.notes.append(note)


class Bench:
    """A notary over a real store and a real file."""

    def __init__(self, path: Path, store: LedgerStore) -> None:
        """Make the key and the file beside the ledger in ``path``."""
        key, note = beside(path)
        self.store = store
        self.last = Watched(LastSigned.open(note))
        self.errors: list[BaseException] = []
        self.failed = threading.Event()
        self.notary = Notary(store, ORIGIN, create_keys(key, ORIGIN), self.last, None, self.fail)

    def fail(self, error: BaseException) -> None:
        """Stand for the end of the process."""
        self.errors.append(error)
        self.failed.set()

    def trees(self) -> list[TreeHead]:
        """Return what was signed, in order."""
        keys = self.notary.ring.verifiers
        return [open_checkpoint(note, ORIGIN, keys).tree for note in self.last.notes]


@pytest.fixture
def bench(path: Path, ledger: LedgerStore) -> Iterator[Bench]:
    """Yield a bench whose notary is not started."""
    bench = Bench(path, ledger)
    yield bench
    bench.notary.close()


def test_every_commit_is_signed(bench: Bench) -> None:
    """After the empty ledger each append gets a checkpoint over it, and each checkpoint extends the one before."""
    assert bench.notary.start().tree == EMPTY_TREE
    for number in range(10):
        append(bench.store, draft(f"k{number}"))
        covering = bench.notary.covering(number + 1, SECONDS)
        assert covering.tree == bench.store.seal()
        assert covering.leaf == bench.store.head.leaf
    trees = bench.trees()
    assert [tree.size for tree in trees] == list(range(11))
    for before, after in itertools.pairwise(trees):
        proof = consistency_proof(before.size, after.size, bench.store.nodes)
        verify_consistency(before, after, proof)


def test_what_is_shown_is_on_the_disk(bench: Bench) -> None:
    """A checkpoint that can be seen is the content of the file."""
    bench.notary.start()
    for number in range(5):
        append(bench.store, draft(f"k{number}"))
        assert bench.notary.covering(number + 1, SECONDS).note == bench.last.load()


def test_many_commits_share_checkpoints(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While entries keep coming a checkpoint is over several of them, and at the end over all."""
    monkeypatch.setattr(notary_module, "_PACE", 0.5)
    bench.notary.start()
    for number in range(50):
        append(bench.store, draft(f"k{number}"))
    assert bench.notary.covering(50, SECONDS).tree.size == 50
    assert 2 <= len(bench.last.notes) < 25


def test_closing_signs_the_rest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed when it is told to end is signed first, whatever the pace."""
    monkeypatch.setattr(notary_module, "_PACE", 600.0)
    bench.notary.start()
    for number in range(5):
        append(bench.store, draft(f"k{number}"))
    bench.notary.close()
    assert bench.trees()[-1] == bench.store.seal()
    bench.notary.close()


def test_a_failing_disk_stops_the_process(bench: Bench) -> None:
    """If the checkpoint cannot be written nothing is retried: the ledger is frozen, and whoever waits is told."""
    bench.notary.start()
    bench.last.failure = OSError(5, "Input/output error")
    append(bench.store, draft("a"))
    assert bench.failed.wait(SECONDS)
    assert bench.errors == [bench.last.failure]
    with pytest.raises(UnavailableError, match="Input/output error"):
        bench.notary.covering(1, SECONDS)
    with pytest.raises(UnavailableError, match="frozen"):
        bench.store.append(draft("b"))
    assert bench.notary.published is not None
    assert bench.notary.published.tree.size == 0


def test_a_file_that_somebody_else_changed_freezes(bench: Bench) -> None:
    """Two ledgers with one checkpoint: this one stops to take entries and signs nothing more, but can be read."""
    bench.notary.start()
    bench.last.path.write_bytes(b"other")
    append(bench.store, draft("a"))
    with pytest.raises(UnavailableError, match="two ledgers use it"):
        bench.notary.covering(1, SECONDS)
    assert bench.errors == []
    assert bench.last.load() == b"other"
    assert bench.store.entry(0) is not None


def test_a_tree_that_does_not_extend_is_not_signed(bench: Bench) -> None:
    """A store whose tree is not what was signed before is not signed, whatever it says."""
    append(bench.store, draft("a"))
    other = Published(b"", TreeHead(1, bytes(32)), "", 0.0)
    notary = Notary(bench.store, ORIGIN, bench.notary.ring, bench.last, other, bench.fail)
    with pytest.raises(Exception, match="different roots"):
        notary.start()
    assert bench.last.notes == []


def test_a_damaged_node_stops_signing(path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof that a checkpoint extends the last one is made of stored nodes: if they do not hold, nothing is signed."""
    bench.notary.start()
    append(bench.store, draft("a"))
    bench.notary.covering(1, SECONDS)

    def broken(_nodes: object) -> list[bytes]:
        raise BrokenChainError(None, "node", "the node 0 of level 1 is missing or damaged")

    monkeypatch.setattr(bench.store, "nodes", broken)
    append(bench.store, draft("b"))
    with pytest.raises(UnavailableError, match="node 0 of level 1"):
        bench.notary.covering(2, SECONDS)
    assert bench.trees()[-1].size == 1


def test_nothing_covers_what_is_not_there(bench: Bench) -> None:
    """Waiting for a checkpoint over entries that do not come ends in time."""
    bench.notary.start()
    with pytest.raises(UnavailableError, match="over 5 entries"):
        bench.notary.covering(5, 0.01)


def test_a_restart_signs_nothing_new(path: Path) -> None:
    """The same ledger with the same key has the same checkpoint: the file is not even written."""
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
    note = beside(path)[1]
    before = (note.read_bytes(), note.stat().st_mtime_ns)
    with signed_ledger(path):
        pass
    assert (note.read_bytes(), note.stat().st_mtime_ns) == before


def test_what_was_committed_but_not_signed_is_signed_at_the_start(path: Path) -> None:
    """After a crash between commit and signature the ledger is ahead of its checkpoint: the next start signs it."""
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
        key = ledger.store.key
    store = open_ledger(path)
    assert store.key == key
    append(store, draft("b"))
    store.close()
    with signed_ledger(path) as ledger:
        assert ledger.store.failure is None
        assert ledger.notary.published is not None
        assert ledger.notary.published.tree.size == 2
        assert ledger.store.log == LOG
