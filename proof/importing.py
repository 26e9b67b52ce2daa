"""Takes a verified export in as a new ledger: every byte, number and checkpoint as it was, or nothing at all."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.chain import Head, key_after
from proof.entry import decode_entry
from proof.errors import StartError
from proof.export import ExportError
from proof.export_reader import ExportReader
from proof.lockfile import WriterLock, refuse_network_file_system
from proof.merkle import Frontier
from proof.note import VerifierKey
from proof.signing.last_signed import LastSigned
from proof.sqlite_reader import read_head
from proof.sqlite_schema import DAMAGE, connect_writer
from proof.store import LogIdentity

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken in: ``height`` entries, ``head`` (hex) of the last, ``checkpoints`` kept, ``key`` in force after them."""

    height: int
    head: str
    checkpoints: int
    key: str


def import_export(
    folder: Path,
    ledger: Path,
    identity: LogIdentity,
    keys: Sequence[VerifierKey],
    checkpoint_file: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Verify the export in ``folder`` and make the SQLite ledger ``ledger`` of it; proofd must not be running there.

    ``keys`` are those that the caller trusts; the newest checkpoint becomes the last signed one in ``checkpoint_file``.
    ``progress`` is called with the number of entries verified and written, now and then. Raises ``BrokenChainError`` with
    the first bad seq, ``ExportError``, and ``StartError`` if there is anything in the place already. Then nothing was
    changed: the export is read once to verify it and once more, verified again, to write it in one transaction.
    """
    ledger = ledger.resolve()
    if not ledger.parent.is_dir():
        raise StartError(f"the folder {ledger.parent} of the ledger does not exist: create it, or correct PROOF_DSN")
    refuse_network_file_system(ledger.parent)
    with contextlib.ExitStack() as undo:
        lock = WriterLock.take(ledger)
        undo.callback(lock.release)
        last = LastSigned.open(checkpoint_file)
        undo.callback(last.release)
        if last.load() is not None:
            raise StartError(
                f"there is a last signed checkpoint in {last.path}: it belongs to another ledger; move it away"
            )
        _refuse_content(ledger, identity)
        reader = ExportReader(folder, identity.origin, identity.log, keys)
        for stored in reader.entries():
            progress(stored.seq + 1)
        try:
            imported = _write(ExportReader(folder, identity.origin, identity.log, keys), ledger, identity, progress)
        except (*DAMAGE, OSError) as error:
            raise StartError(f"the ledger {ledger} cannot be written: {error}. Nothing was taken in") from None
        newest = max(reader.checkpoints, key=lambda one: one.size)
        last.swap(None, newest.note)
    _log.info("took in %d entries from %s, head %s", imported.height, folder, imported.head)
    return imported


def _refuse_content(ledger: Path, identity: LogIdentity) -> None:
    """Raise ``StartError`` unless ``ledger`` is not there, or is an empty ledger of the same log."""
    if not ledger.exists():
        return
    try:
        with contextlib.closing(connect_writer(ledger, identity)) as db:
            rows = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("entry", "checkpoint")]  # noqa: S608 - two literals
    except DAMAGE as error:
        raise StartError(f"the ledger {ledger} cannot be opened: {error}. Nothing was changed") from None
    if any(rows):
        raise StartError(
            f"the ledger {ledger} is not empty ({rows[0]} entries, {rows[1]} checkpoints): an export is taken in by a new "
            "ledger only. Move this one away, or name another file in PROOF_DSN"
        )


def _write(reader: ExportReader, ledger: Path, identity: LogIdentity, progress: Callable[[int], None]) -> Imported:
    with contextlib.closing(connect_writer(ledger, identity)) as db:
        db.execute("BEGIN IMMEDIATE")
        before = read_head(db)
        head, key = before, ""
        frontier = Frontier()
        for stored in reader.entries():
            entry = decode_entry(stored.body)
            db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (stored.seq, stored.idem, stored.leaf, stored.body))
            db.executemany(
                "INSERT INTO part VALUES (?, ?, ?, ?)",
                [(stored.seq, one.name, one.salt, one.data) for one in stored.parts],
            )
            nodes = [(*node, computed) for node, computed in frontier.add(stored.leaf)]
            db.executemany("INSERT INTO node VALUES (?, ?, ?)", nodes)
            head = Head(stored.seq + 1, stored.leaf.hex(), head.size + len(stored.body) + entry.size)
            key = key_after(entry)
            progress(head.height)
        db.executemany("INSERT INTO checkpoint VALUES (?, ?)", [(one.size, one.note) for one in reader.checkpoints])
        _state_head(db, head, before)
        db.execute("COMMIT")
    return Imported(head.height, head.leaf, len(reader.checkpoints), key)


def _state_head(db: sqlite3.Connection, head: Head, before: Head) -> None:
    changed = db.execute(
        "UPDATE head SET height = ?, leaf = ?, size = ? WHERE height = ? AND leaf = ?",
        (head.height, head.leaf, head.size, before.height, before.leaf),
    )
    if changed.rowcount != 1 or before.height:
        raise ExportError("somebody else wrote to the ledger meanwhile: nothing was taken in")
