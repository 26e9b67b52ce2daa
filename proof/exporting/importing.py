"""Takes a verified export in as a new ledger: every byte, number and checkpoint as it was, or nothing at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from proof.errors import StartError
from proof.exporting.reader import ExportReader
from proof.format.chain import Head, StoredEntry, key_after
from proof.format.entry import NO_KEY, decode_entry
from proof.format.merkle import Frontier
from proof.format.note import VerifierKey
from proof.signing.last_signed import LastSigned
from proof.store import KeptCheckpoint, LogIdentity, Receipt, is_postgresql, sqlite_path
from proof.storing.appending import NewEntry
from proof.storing.sequencer import Addition, Tables

_log = logging.getLogger(__name__)
_BATCH = 500


Place = Callable[[], AbstractContextManager[Tables]]
"""Opens the empty ledger that is to be filled; nothing is made before it is called, and what is not committed is gone after."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken in: ``height`` entries, ``head`` (hex) of the last, ``checkpoints`` kept, ``key`` in force after them."""

    height: int
    head: str
    checkpoints: int
    key: str


def import_export(
    folder: Path,
    dsn: str,
    identity: LogIdentity,
    keys: Sequence[VerifierKey],
    checkpoint_file: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Verify the export in ``folder`` and fill the ledger that ``dsn`` names with it; proofd must not be running there.

    ``keys`` are those that the caller trusts; the newest checkpoint becomes the last signed one in ``checkpoint_file``.
    ``progress`` is called with the number of entries verified, and again with that of those written. Raises
    ``BrokenChainError`` with the first bad seq, ``ExportError``, and ``StartError`` if there is anything in the place already
    or it cannot be written. Then nothing was taken in: the export is read once to verify it, and once more, verified
    again, to write it in one transaction.
    """
    with ExitStack() as undo:
        place = _place(dsn, identity, undo)
        last = LastSigned.open(checkpoint_file)
        undo.callback(last.release)
        if last.load() is not None:
            raise StartError(
                f"there is a last signed checkpoint in {last.path}: it belongs to another ledger; move it away"
            )
        for stored in ExportReader(folder, identity.origin, identity.log, keys).entries():
            progress(stored.seq + 1)
        reader = ExportReader(folder, identity.origin, identity.log, keys)
        with place() as tables:
            head, key = _fill(tables, reader, progress)
        newest = max(reader.checkpoints, key=lambda one: one.size)
        last.swap(None, newest.note)
    _log.info("took in %d entries from %s, head %s", head.height, folder, head.leaf)
    return Imported(head.height, head.leaf, len(reader.checkpoints), key)


def _place(dsn: str, identity: LogIdentity, undo: ExitStack) -> Place:
    """Return where to write; raises ``StartError`` unless nothing is there, and nobody else can put anything there."""
    if is_postgresql(dsn):
        from proof.postgres.importing import postgres_place  # noqa: PLC0415 - only the chosen database is loaded

        return postgres_place(dsn, identity, undo)
    from proof.sqlite.importing import sqlite_place  # noqa: PLC0415 - likewise

    return sqlite_place(sqlite_path(dsn), identity, undo)


def refuse_content(where: str, entries: int, checkpoints: int) -> None:
    """Raise ``StartError`` if the ledger ``where`` holds anything."""
    if entries or checkpoints:
        raise StartError(
            f"the ledger {where} is not empty ({entries} entries, {checkpoints} checkpoints): an export is taken in by a new "
            "ledger only. Move this one away, or name another place in PROOF_DSN"
        )


def _fill(tables: Tables, reader: ExportReader, progress: Callable[[int], None]) -> tuple[Head, str]:
    """Write everything that ``reader`` yields; return head and key in force. Commits only if all of it holds."""
    head, _ = tables.begin([])
    addition, frontier, key = Addition(head, head), Frontier(), NO_KEY
    for stored in reader.entries():
        key = _add(addition, stored)
        addition.nodes += frontier.add(stored.leaf)
        if len(addition.entries) == _BATCH:
            tables.write(addition)
            addition = Addition(addition.after, addition.after)
            progress(addition.after.height)
    addition.checkpoints += [KeptCheckpoint(one.size, one.note) for one in reader.checkpoints]
    tables.write(addition)
    tables.commit()
    progress(addition.after.height)
    return addition.after, key


def _add(addition: Addition, stored: StoredEntry) -> str:
    entry = decode_entry(stored.body)
    head = Head(stored.seq + 1, stored.leaf.hex(), addition.after.size + len(stored.body) + entry.size)
    receipt = Receipt(stored.seq, head.leaf, entry.prev, head.height, duplicate=False)
    addition.entries.append(NewEntry(stored, head, receipt))
    addition.after = head
    return key_after(entry)
