"""The publisher: soon after what matters, in steps otherwise, again after a failure, and visible in the metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from proof.anchoring import publisher as publisher_module
from proof.anchoring.publisher import Publisher, Steps
from proof.anchoring.sink import AnchorError
from proof.errors import UnavailableError
from proof.ledger import Ledger
from proof.signing.continuity import objection
from proof.signing.notary import Published
from proof.storing.checking import stated_root
from tests.proof.anchoring.test_directory import checkpoint
from tests.proof.samples import ORIGIN, append, draft, signed_ledger

if TYPE_CHECKING:
    from proof.anchoring.sink import Sink

FAR = 3600.0


class Box:
    """A sink that keeps what it is given, and can be told to fail."""

    def __init__(self, name: str = "box", failing: int = 0) -> None:
        """Fail the first ``failing`` times."""
        self.name = name
        self.failing = failing
        self.tries = 0
        self.kept: list[Published] = []
        self.changed = threading.Condition()

    def publish(self, checkpoint: Published) -> str:
        """Keep it, or fail."""
        with self.changed:
            self.tries += 1
            self.changed.notify_all()
            if self.tries <= self.failing:
                raise AnchorError("the box is full")
            self.kept.append(checkpoint)
        return "in the box"

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        with self.changed:
            assert self.changed.wait_for(condition, 30), [one.tree.size for one in self.kept]

    def until_size(self, size: int) -> None:
        """Wait until a checkpoint over so many entries is here."""
        self.until(lambda: bool(self.kept) and self.kept[-1].tree.size >= size)


@contextmanager
def publishing(
    ledger: Ledger, *sinks: Sink, entries: int = 1000, seconds: float = FAR, registry: CollectorRegistry | None = None
) -> Iterator[Publisher]:
    """Run a publisher of its own over an open ledger."""
    publisher = Publisher(
        ledger.store, ledger.notary, sinks, registry or CollectorRegistry(), steps=Steps(entries, seconds)
    )
    publisher.start()
    yield publisher
    publisher.close()


def test_what_is_there_is_published_at_the_start(path: Path) -> None:
    """Entries that nobody holds yet may be from before a crash: the first thing is a checkpoint over them."""
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
        box = Box()
        with publishing(ledger, box):
            box.until_size(1)
        assert objection(ledger.store, ORIGIN, box.kept[0].note, "it", ledger.notary.ring.verifiers) is None


@pytest.mark.parametrize("kind", ["auto_remediation"])
def test_an_outcome_is_published_at_once(path: Path, kind: str) -> None:
    """The entry that ends an attempt does not wait for time or number."""
    box = Box()
    with signed_ledger(path) as ledger, publishing(ledger, box):
        box.until_size(0)
        append(ledger.store, draft("a"))
        append(ledger.store, draft("b", kind))
        box.until_size(2)


def test_a_number_of_entries_is_published(path: Path) -> None:
    """After so many entries a checkpoint leaves, whatever they are; not after each."""
    box = Box()
    with signed_ledger(path) as ledger, publishing(ledger, box, entries=5):
        box.until_size(0)
        for number in range(20):
            append(ledger.store, draft(f"k{number}"))
        box.until_size(16)
        assert len(box.kept) <= 6


def test_time_is_enough(path: Path) -> None:
    """A single entry is published after the time of a step."""
    box = Box()
    with signed_ledger(path) as ledger, publishing(ledger, box, seconds=0.05):
        box.until_size(0)
        append(ledger.store, draft("a"))
        box.until_size(1)


def test_without_news_nothing_is_published(path: Path) -> None:
    """Time alone publishes nothing again."""
    box = Box()
    with signed_ledger(path) as ledger, publishing(ledger, box, seconds=0.01):
        box.until_size(0)
        time.sleep(0.1)
        assert box.tries == 1


def test_the_end_publishes_the_rest(path: Path) -> None:
    """Closing does not leave entries behind that nobody holds."""
    box = Box()
    with signed_ledger(path) as ledger:
        with publishing(ledger, box):
            box.until_size(0)
            append(ledger.store, draft("a"))
        assert box.kept[-1].tree.size == 1


def test_a_failure_is_tried_again_with_the_newest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again until it succeeds, by then with all entries; another sink does not wait for it."""
    monkeypatch.setattr(publisher_module, "_RETRY_SECONDS", (0.02, 0.05))
    registry = CollectorRegistry()
    failing, other = Box("failing", failing=4), Box("other")
    with signed_ledger(path) as ledger, publishing(ledger, failing, other, registry=registry) as publisher:
        other.until_size(0)
        append(ledger.store, draft("a", "auto_remediation"))
        other.until_size(1)
        failing.until_size(1)
        assert failing.tries >= 5
        labels = {"sink": "failing", "result": "failed"}
        assert registry.get_sample_value("lumen_proof_anchors_total", labels) == 4
        assert publisher.lags() == {"failing": 0, "other": 0}


def test_the_lag_is_seen(path: Path) -> None:
    """A sink that fails is behind by every entry, one that works by those since the last step."""
    failing, other = Box("failing", failing=100), Box("other")
    with signed_ledger(path) as ledger, publishing(ledger, failing, other) as publisher:
        other.until_size(0)
        append(ledger.store, draft("a", "auto_remediation"))
        other.until_size(1)
        append(ledger.store, draft("b"))
        deadline = time.monotonic() + 30
        while publisher.lags() != {"failing": 2, "other": 1} and time.monotonic() < deadline:
            time.sleep(0.01)
        assert publisher.lags() == {"failing": 2, "other": 1}


def test_each_step_is_kept_in_the_ledger(path: Path) -> None:
    """What was published can be read back from the ledger, signed, in order, and the whole still verifies."""
    box = Box()
    with signed_ledger(path) as ledger, publishing(ledger, box):
        for number in range(3):
            append(ledger.store, draft(f"k{number}", "auto_remediation"))
            box.until_size(number + 1)
        kept = ledger.store.checkpoints()
        assert [one.size for one in kept] == [0, 1, 2, 3]
        assert [stated_root(one, ORIGIN) for one in kept[1:]] == [one.tree.root for one in box.kept[-3:]]
        assert ledger.store.checkpoints(after=1, count=1) == [kept[2]]
        assert ledger.store.verify().ok


def test_no_sink_is_no_work(path: Path) -> None:
    """Without sinks checkpoints are still kept in the ledger, and there is no lag to tell."""
    with signed_ledger(path) as ledger, publishing(ledger) as publisher:
        append(ledger.store, draft("a", "auto_remediation"))
        deadline = time.monotonic() + 30
        while len(ledger.store.checkpoints()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [one.size for one in ledger.store.checkpoints()] == [0, 1]
        assert publisher.lags() == {}


def test_a_frozen_ledger_ends_quietly(path: Path) -> None:
    """After a freeze nothing is published over what was not signed, and closing does not hang."""
    box = Box()
    with signed_ledger(path) as ledger, publishing(ledger, box):
        box.until_size(0)
        ledger.store.freeze("the disk smells")
    assert [one.tree.size for one in box.kept] == [0]


def test_a_sink_that_does_not_return_does_not_keep_the_ledger_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing gives up on it after its time, so that a stop of the service ends."""
    monkeypatch.setattr(publisher_module, "_CLOSE_SECONDS", 0.05)
    entered, go_on = threading.Event(), threading.Event()

    class Stuck(Box):
        def publish(self, checkpoint: Published) -> str:
            """Wait until the test is over."""
            entered.set()
            go_on.wait(30)
            return super().publish(checkpoint)

    stuck = Stuck()
    try:
        with signed_ledger(path) as ledger, publishing(ledger, stuck):
            assert entered.wait(30)
        assert stuck.kept == []
    finally:
        go_on.set()
        for thread in threading.enumerate():
            if thread.name == "proof-publisher":
                thread.join(30)


def test_a_fork_that_is_seen_while_running_freezes_the_ledger(path: Path, tmp_path: Path) -> None:
    """Another checkpoint over the same entries means that a second ledger goes on from here: nothing more is added."""
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        fork = anchors / f"{1:020d}.note"
        fork.write_bytes(checkpoint(1, b"\xff" * 32).note)
        append(ledger.store, draft("a", "auto_remediation"))
        deadline = time.monotonic() + 30
        while ledger.store.failure is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert f"the anchor {fork.name} holds another checkpoint over 1 entries" in (ledger.store.failure or "")
        with pytest.raises(UnavailableError, match="frozen"):
            append(ledger.store, draft("b"))
    assert fork.read_bytes() == checkpoint(1, b"\xff" * 32).note


def test_an_old_anchor_under_a_larger_number_hides_nothing(path: Path, tmp_path: Path) -> None:
    """A name that says more than the checkpoint would pass for the newest: the ledger starts read-only and names the file."""
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        append(ledger.store, draft("a"))
    false = anchors / f"{'9' * 20}.note"
    false.write_bytes((anchors / f"{1:020d}.note").read_bytes())
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        assert f"the newest anchor {false.name}: it is over 1 entries" in (ledger.store.failure or "")
        assert ledger.publisher.lags() == {"directory": 1}
    false.unlink()
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        append(ledger.store, draft("b"))
    assert (anchors / f"{2:020d}.note").exists()


def test_the_newest_anchor_is_checked_at_the_start(path: Path, tmp_path: Path) -> None:
    """A ledger that was put back together with its checkpoint is told from the newest one by an anchor elsewhere."""
    anchors, backup = tmp_path / "anchors", tmp_path / "backup"
    anchors.mkdir()
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        append(ledger.store, draft("a"))
    _copy(path.parent, backup)
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        append(ledger.store, draft("b"))
    assert [file.name[-6:] for file in sorted(anchors.iterdir())][-1] == "2.note"
    for file in backup.iterdir():
        if file.is_file():
            (path.parent / file.name).write_bytes(file.read_bytes())
    (path.parent / "checkpoint" / f"{path.name}.note").write_bytes((backup / f"{path.name}.note").read_bytes())
    with signed_ledger(path) as ledger:
        assert ledger.store.failure is None
    with signed_ledger(path, anchor_folder=anchors) as ledger:
        assert "the newest anchor" in (ledger.store.failure or "")
        assert "has 1 entries" in (ledger.store.failure or "")


def _copy(folder: Path, backup: Path) -> None:
    backup.mkdir()
    for file in (*folder.iterdir(), *(folder / "checkpoint").iterdir()):
        if file.is_file():
            (backup / file.name).write_bytes(file.read_bytes())
