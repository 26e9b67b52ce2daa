"""``controls/recover_chain.py``: judges a copy, keeps what is damaged, never writes to the ledger."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from tests.controls.program import Run, run
from tests.proof.samples import append, draft, signed_ledger

ENTRIES = 12


@pytest.fixture
def ledger(tmp_path: Path) -> tuple[Path, str]:
    """Return the file of a signed ledger and its public key."""
    path = tmp_path / "proof.db"
    with signed_ledger(path) as kept:
        for number in range(ENTRIES):
            append(kept.store, draft(f"drill/{number}", command={"type": "command", "number": number}))
        kept.notary.covering(ENTRIES, 10)
        vkey = str(kept.notary.ring.newest.verifier)
    return path, vkey


def recover(ledger: tuple[Path, str], folder: Path, *arguments: str) -> Run:
    """Run the program on the ledger."""
    return run("recover_chain.py", "--ledger", str(ledger[0]), "--vkey", ledger[1], "--keep", str(folder), *arguments)


def digests(path: Path) -> dict[str, str]:
    """Return the hash of each file of the ledger; that of the shared memory of its readers holds nothing to keep."""
    files = [each for each in path.parent.glob("proof.db*") if not each.name.endswith("-shm")]
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def test_a_ledger_that_holds_leaves_no_copy(ledger: tuple[Path, str], tmp_path: Path) -> None:
    """Exit code 0, nothing kept, and the ledger is byte for byte what it was."""
    before = digests(ledger[0])
    ended = recover(ledger, tmp_path / "kept")
    assert (ended.code, ended.told["verdict"]) == (0, 0), ended
    assert not list((tmp_path / "kept").iterdir())
    assert digests(ledger[0]) == before


def test_a_changed_entry_is_found_and_the_copy_kept(ledger: tuple[Path, str], tmp_path: Path) -> None:
    """The verdict names the first bad entry; the evidence is sealed with its hashes; the ledger is not touched."""
    with sqlite3.connect(ledger[0]) as db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute(
            "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'drill/5', 'drill/X') AS BLOB) WHERE seq = 5"
        )
    before = digests(ledger[0])
    ended = recover(ledger, tmp_path / "kept")
    assert ended.code == 1, ended
    assert "5" in ended.told["said"]
    assert digests(ledger[0]) == before
    kept = Path(ended.told["kept"])
    sums = {
        name: digest for digest, name in (line.split("  ") for line in (kept / "SHA256SUMS").read_text().splitlines())
    }
    assert sums["proof.db"] == hashlib.sha256((kept / "proof.db").read_bytes()).hexdigest()
    assert not [path for path in (kept, *kept.iterdir()) if path.stat().st_mode & 0o277]


def test_a_cut_end_is_found_by_a_checkpoint_kept_elsewhere(ledger: tuple[Path, str], tmp_path: Path) -> None:
    """A shorter ledger is a ledger; who holds a newer checkpoint sees that it had more."""
    newest = tmp_path / "newest.note"
    with sqlite3.connect(ledger[0]) as db:
        newest.write_bytes(db.execute("SELECT note FROM checkpoint ORDER BY size DESC").fetchone()[0])
        for trigger in ("entry_kept", "part_kept", "checkpoint_kept", "node_kept"):
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("DELETE FROM part WHERE seq > 7")
        db.execute("DELETE FROM entry WHERE seq > 7")
        db.execute("DELETE FROM checkpoint WHERE size > 8")
    assert recover(ledger, tmp_path / "kept", "--against", str(newest)).code == 1


def test_a_file_that_sqlite_cannot_read_is_kept(ledger: tuple[Path, str], tmp_path: Path) -> None:
    """Pages full of noise are evidence too."""
    raw = bytearray(ledger[0].read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    ledger[0].write_bytes(raw)
    ended = recover(ledger, tmp_path / "kept")
    assert ended.code == 1, ended
    assert (Path(ended.told["kept"]) / "proof.db").read_bytes() == bytes(raw)


def test_without_a_ledger_it_says_what_it_wants(tmp_path: Path) -> None:
    """Exit code 2 and the option to correct; nothing is made."""
    ended = recover((tmp_path / "nothing.db", "x"), tmp_path / "kept")
    assert ended.code == 2
    assert "--ledger" in ended.told["error"]
    assert not (tmp_path / "kept").exists()


def test_two_copies_do_not_meet(ledger: tuple[Path, str], tmp_path: Path) -> None:
    """Each run keeps its own evidence."""
    kept = {recover(ledger, tmp_path / "kept", "--always").told["kept"] for _ in range(2)}
    assert len(kept) == 2
