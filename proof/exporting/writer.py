"""Writes a ledger as a directory that anybody can verify: see docs/ledger-format.md."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from proof.errors import BrokenChainError, ProofError
from proof.exporting.digest_file import DigestWriter
from proof.format.canonical import canonical_bytes
from proof.format.chain import StoredEntry, StoredPart, check_entry
from proof.format.kinds import PART_ERASED, erased_idem
from proof.format.merkle import Frontier, TreeHead
from proof.format.note import MAX_NOTE_BYTES

FORMAT = "lumen-proof-export"
VERSION = 1
ENTRIES, LEAVES, PARTS, MANIFEST = "entries.jsonl", "leaves.bin", "parts.jsonl", "manifest.json"
CHECKPOINTS, ANCHORS = "checkpoints", "anchors"
MAX_ANCHOR_BYTES = 1024 * 1024
"""The limit of an anchor that is no checkpoint; one that is has that of a note."""


class ExportError(ProofError):
    """A directory or file cannot be written, or is not an export; the text says which and what to do."""

    reason = "bad_export"


class ExportWriter:
    """Writes one export into a new or empty ``folder``; every entry is checked on its way.

    Entries come in the order of ``seq``; ``finish`` writes the manifest, without which a directory is no export.
    """

    def __init__(self, folder: Path, origin: str, log: str) -> None:
        """Make the files, readable by their owner only: they name people. Raises ``ExportError`` if there is anything."""
        self._folder, self._origin, self._log = folder, origin, log
        self._frontier = Frontier()
        self._head = log
        self._counts = {"entries": 0, "parts": 0, "erased": 0, "checkpoints": 0, "anchors": 0}
        self._unrecorded: dict[str, int] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        _make_empty(folder)
        self._files = contextlib.ExitStack()
        self._entries, self._leaves, self._parts = (
            self._files.enter_context(_new_file(folder / name)) for name in (ENTRIES, LEAVES, PARTS)
        )

    def __enter__(self) -> Self:
        """Return the writer; leaving closes its files."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        self._files.close()

    @property
    def tree(self) -> TreeHead:
        """Size and root of what was written so far."""
        return self._frontier.head()

    @property
    def unrecorded(self) -> dict[str, int]:
        """Erased parts whose ``part.erased`` entry was not written yet: its ``idem``, and the ``seq`` of the part."""
        return self._unrecorded

    def add(self, stored: StoredEntry) -> None:
        """Write one entry with its parts; raises ``BrokenChainError`` if it does not hold or does not come next."""
        seq = self._frontier.size
        if stored.seq != seq:
            raise BrokenChainError(seq, "missing", f"entry {stored.seq} came where {seq} should")
        entry = check_entry(stored, self._log)
        if entry.prev != self._head:
            raise BrokenChainError(seq, "prev", "the entry does not follow the one before it")
        self._entries.write(stored.body + b"\n")
        self._leaves.write(stored.leaf)
        for part in sorted(stored.parts, key=lambda one: one.name):
            self._parts.write(part_line(seq, part))
            self._counts["parts"] += 1
            if part.data is None:
                self._counts["erased"] += 1
                self._unrecorded[erased_idem(seq, part.name)] = seq
        if entry.kind == PART_ERASED:
            self._unrecorded.pop(entry.idem, None)
        self._frontier.add(stored.leaf)
        self._head = stored.leaf.hex()
        self._counts["entries"] += 1

    def add_checkpoint(self, size: int, note: bytes) -> None:
        """Write a signed note over the first ``size`` entries."""
        self._small(f"{CHECKPOINTS}/{size:020d}.note", note)
        self._counts["checkpoints"] += 1

    def add_anchor(self, name: str, content: bytes) -> None:
        """Write what somebody else said about a checkpoint; ``name`` is a plain file name."""
        if not name or Path(name).name != name or name.startswith("."):
            raise ExportError(f"an anchor cannot be named {name!a}")
        limit = anchor_limit(name)
        if len(content) > limit:
            raise ExportError(f"the anchor {name!a} has {len(content)} bytes, the limit is {limit}")
        self._small(f"{ANCHORS}/{name}", content)
        self._counts["anchors"] += 1

    def finish(self) -> dict[str, Any]:
        """Put everything on the disk, then the manifest, and return it."""
        self._files.close()
        for file in (self._entries, self._leaves, self._parts):
            self._facts[file.path.name] = file.facts()
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "origin": self._origin,
            "log": self._log,
            "height": self._frontier.size,
            "head": self._head,
            "root": self.tree.root.hex(),
            "counts": self._counts,
            "files": self._facts,
        }
        with _new_file(self._folder / MANIFEST) as file:
            file.write(canonical_bytes(manifest) + b"\n")
        return manifest

    def _small(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with _new_file(path) as file:
            file.write(content)
        self._facts[name] = file.facts()


def part_line(seq: int, part: StoredPart) -> bytes:
    """Return the line of a part, with its line break; the data stand in it as they are."""
    head = b'{"seq":%d,"name":"%b","salt":' % (seq, part.name.encode())
    if part.salt is None or part.data is None:
        return head + b'null,"data":null}\n'
    return head + b'"%b","data":%b}\n' % (part.salt.hex().encode(), part.data)


def anchor_limit(name: str) -> int:
    """Return how many bytes the anchor with this file name may have."""
    return MAX_NOTE_BYTES if name.endswith(".note") else MAX_ANCHOR_BYTES


def _new_file(path: Path) -> DigestWriter:
    try:
        return DigestWriter(path)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from None


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ExportError(f"{folder} is not empty: name a directory that does not exist yet")
    except OSError as error:
        raise ExportError(f"cannot write to {folder}: {error.strerror}: name another directory") from None
