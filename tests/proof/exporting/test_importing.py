"""Import: a verified export becomes a ledger that is the same to the byte, or nothing changes."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from proof.errors import BrokenChainError, ProofError, StartError
from proof.exporting.importing import Imported, import_export
from proof.exporting.writer import ExportError
from proof.files.lockfile import WriterLock
from proof.format.note import VerifierKey
from proof.store import LogIdentity
from tests.proof.samples import IDENTITY, ORIGIN, append, draft, open_ledger
from tests.proof.verifier.building import KEY, STRANGER, Ledger, small, sound


def take_in(export: Path, ledger: Path, identity: LogIdentity = IDENTITY, key: VerifierKey = KEY.verifier) -> Imported:
    """Import into ``ledger`` and the checkpoint file beside it."""
    return import_export(export, f"sqlite:///{ledger}", identity, [key], ledger.with_suffix(".note"))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A sound export."""
    return sound().write(tmp_path / "export")


def test_what_is_taken_in_is_the_same_ledger(tmp_path: Path, export: Path) -> None:
    """Entries, parts, salts, erasures, tree and checkpoints are those of the export, and the ledger goes on after them."""
    path, original = tmp_path / "proof.db", sound()
    imported = take_in(export, path)
    assert (imported.height, imported.checkpoints, imported.key) == (6, 4, KEY.verifier.id)
    store = open_ledger(path)
    assert store.entries(0, 100) == original.entries
    assert {one.size: one.note for one in store.checkpoints()} == original.notes
    assert store.verify().ok
    assert path.with_suffix(".note").read_bytes() == original.notes[6]
    assert append(store, draft("new")).seq == 6
    assert append(store, draft("four", result=None)).duplicate
    store.close()


def test_an_empty_ledger_of_the_same_log_is_filled(tmp_path: Path, export: Path) -> None:
    """One that was made and never used may be there already; an empty export can be taken in as well."""
    open_ledger(tmp_path / "proof.db").close()
    assert take_in(export, tmp_path / "proof.db").height == 6
    empty = Ledger()
    empty.sign()
    assert take_in(empty.write(tmp_path / "nothing"), tmp_path / "other.db").height == 0


@pytest.mark.parametrize("name", ["entries.jsonl", "leaves.bin", "parts.jsonl", "manifest.json"])
def test_a_changed_export_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    """Refused with the first bad seq, and neither ledger nor checkpoint was made."""
    export = small().write(tmp_path / "export")
    content = bytearray((export / name).read_bytes())
    content[len(content) // 2] ^= 1
    (export / name).write_bytes(content)
    with pytest.raises(BrokenChainError) as caught:
        take_in(export, tmp_path / "proof.db")
    assert caught.value.seq == (None if name == "manifest.json" else 1)
    assert not (tmp_path / "proof.db").exists()
    assert not (tmp_path / "proof.note").exists()


def test_an_unsigned_end_is_not_taken_in(tmp_path: Path) -> None:
    """What no checkpoint covers is not proven, so it does not become a ledger."""
    ledger = sound()
    ledger.add("late")
    with pytest.raises(ExportError, match="from 6 on"):
        take_in(ledger.forge(tmp_path / "tail"), tmp_path / "proof.db")
    ledger.notes.clear()
    with pytest.raises(ExportError, match="from 0 on"):
        take_in(ledger.forge(tmp_path / "bare"), tmp_path / "proof.db")


def test_another_key_or_log_is_refused(tmp_path: Path, export: Path) -> None:
    """The trusted key decides, and entries of another log never get into this one."""
    with pytest.raises(BrokenChainError, match="signed by no"):
        take_in(export, tmp_path / "proof.db", key=STRANGER.verifier)
    with pytest.raises(BrokenChainError) as caught:
        take_in(export, tmp_path / "proof.db", LogIdentity(ORIGIN, "0" * 64))
    assert (caught.value.seq, caught.value.code) == (0, "log")
    assert not (tmp_path / "proof.db").exists()


def test_a_place_that_is_taken_is_refused(tmp_path: Path, export: Path) -> None:
    """A ledger with entries, one that was signed, one that is open, a kept checkpoint, a foreign file: nothing is touched."""
    path = tmp_path / "proof.db"
    take_in(export, path)
    before = path.read_bytes()
    with pytest.raises(StartError, match="not empty"):
        take_in(export, path)
    assert path.read_bytes() == before
    shutil.copy(path.with_suffix(".note"), tmp_path / "signed.note")
    with pytest.raises(StartError, match="last signed checkpoint"):
        take_in(export, tmp_path / "signed.db")
    lock = WriterLock.take((tmp_path / "open.db").resolve())
    with pytest.raises(StartError, match="open in another"):
        take_in(export, tmp_path / "open.db")
    lock.release()
    (tmp_path / "foreign.db").write_bytes(b"")
    with pytest.raises(StartError):
        take_in(export, tmp_path / "foreign.db")
    with pytest.raises(StartError, match="does not exist"):
        take_in(export, tmp_path / "nowhere" / "proof.db")


def test_an_export_that_changes_meanwhile_is_not_taken_in(tmp_path: Path, export: Path) -> None:
    """It is verified again while it is written: what was exchanged after the first look ends the transaction."""
    path = tmp_path / "proof.db"
    seen: list[int] = []

    def exchange(count: int) -> None:
        seen.append(count)
        if len(seen) == 6:  # the last entry of the first pass
            content = bytearray((export / "parts.jsonl").read_bytes())
            content[-20] ^= 1
            (export / "parts.jsonl").write_bytes(content)

    with pytest.raises(BrokenChainError):
        import_export(export, f"sqlite:///{path}", IDENTITY, [KEY.verifier], path.with_suffix(".note"), exchange)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM entry").fetchone() == (0,)
    assert not path.with_suffix(".note").exists()


@pytest.mark.parametrize("missing", ["entries.jsonl", "leaves.bin", "parts.jsonl", "manifest.json", "checkpoints"])
def test_an_incomplete_export_is_refused(tmp_path: Path, export: Path, missing: str) -> None:
    """A file that is not there is no reason for a traceback."""
    shutil.rmtree(export / missing) if missing == "checkpoints" else (export / missing).unlink()
    with pytest.raises(ProofError):
        take_in(export, tmp_path / "proof.db")
    with pytest.raises(ExportError, match="not an export"):
        take_in(tmp_path, tmp_path / "proof.db")
