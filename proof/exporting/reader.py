"""Reads and verifies an export on the service's side, before it is taken in. The offline verifier shares nothing with this."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from proof.errors import BrokenChainError, NoteError, ProfileError, SignatureError
from proof.exporting.digest_file import DigestReader
from proof.exporting.writer import (
    ANCHORS,
    CHECKPOINTS,
    ENTRIES,
    FORMAT,
    LEAVES,
    MANIFEST,
    PARTS,
    VERSION,
    ExportError,
    anchor_limit,
)
from proof.files.reading import NotPlainError, open_plain
from proof.format.canonical import canonical_bytes
from proof.format.chain import ChainCheck, StoredEntry, StoredPart
from proof.format.checkpoint import Checkpoint, parse_checkpoint
from proof.format.entry import MAX_ENTRY_BYTES, NO_KEY, Entry, decode_entry
from proof.format.kinds import KEY_ROTATED
from proof.format.merkle import HASH_BYTES, Frontier
from proof.format.note import MAX_NOTE_BYTES, SignedNote, VerifierKey, parse_note, verify_note
from proof.signing.trust import ROTATION_PART, KeyTrust, read_rotation
from proof.store import KeptCheckpoint

_PART = re.compile(
    rb'\{"seq":(0|[1-9][0-9]{0,15}),"name":"([a-z0-9_]+)","salt":(null|"[0-9a-f]{64}"),"data":(.*)\}', re.DOTALL
)
_MAX_PART_LINE = 64 * 1024 * 1024
_MAX_SMALL_BYTES = 1024 * 1024 * 1024
"""Of all checkpoints and anchors together, which are kept in memory; each counts as at least ``_LEAST``."""
_LEAST = 256


class ExportReader:
    """One pass over an export of ``log``; ``entries`` yields what it holds and ends only if all of it holds.

    ``keys`` are those that the caller trusts. ``checkpoints`` is complete when ``entries`` has ended.
    """

    def __init__(self, folder: Path, origin: str, log: str, keys: Sequence[VerifierKey]) -> None:
        """Look at the files of ``folder``; raises ``ExportError`` if it is not an export or cannot be read."""
        if not folder.is_dir() or not any((folder / name).exists() for name in (MANIFEST, ENTRIES)):
            raise ExportError(f"{folder} is not an export: it has neither {MANIFEST} nor {ENTRIES}")
        self._folder, self._origin, self._log = folder, origin, log
        self._trust = KeyTrust(keys)
        self._chain = ChainCheck(log)
        self._frontier = Frontier()
        self._counts = {"entries": 0, "parts": 0, "erased": 0, "checkpoints": 0, "anchors": 0}
        self._files: dict[str, dict[str, Any]] = {}
        self._problem: BrokenChainError | None = None
        self._notes: dict[int, tuple[SignedNote, Checkpoint]] = {}
        self._anchors: list[tuple[SignedNote, Checkpoint]] = []
        self._small = 0
        self._signed: dict[int, set[VerifierKey]] = {}
        self._roots: dict[int, bytes] = {}
        self.checkpoints: list[KeptCheckpoint] = []

    def entries(self) -> Iterator[StoredEntry]:
        """Yield every entry; raises ``BrokenChainError`` with the first bad seq, and ``ExportError``."""
        try:
            self._read_notes()
            with ExitStack() as opened:
                files = [opened.enter_context(DigestReader(self._folder / name)) for name in (ENTRIES, LEAVES, PARTS)]
                yield from self._walk(*files)
                self._files.update((file.path.name, file.facts()) for file in files)
            self._finish()
        except BrokenChainError as error:
            raise self._earlier(error) from None
        except FileNotFoundError as error:
            raise BrokenChainError(None, "file", f"{Path(error.filename).name} is not there") from None
        except NotPlainError as error:
            raise BrokenChainError(None, "file", f"{Path(error.filename).name} is not a plain file") from None
        except OSError as error:
            raise ExportError(f"cannot read {error.filename}: {error.strerror}") from None

    def _read_notes(self) -> None:
        most = _MAX_SMALL_BYTES // _LEAST
        paths = sorted(islice(_files_of(self._folder), most + 1))
        if len(paths) > most:
            raise self._too_much()
        for path in paths:
            name = path.relative_to(self._folder).as_posix()
            folder, _, base = name.rpartition("/")
            if any("\ud800" <= one <= "\udfff" for one in name):
                self._note_problem("file", f"{name!a} is not named in UTF-8")
            elif path.is_symlink() or not (path.is_dir() or path.is_file()):
                self._note_problem("file", f"{name!a} is not a plain file")
            elif path.is_dir() and name in {CHECKPOINTS, ANCHORS}:
                continue
            elif folder in {CHECKPOINTS, ANCHORS} and path.is_file():
                self._read_note(name, folder, base)
            elif name not in {ENTRIES, LEAVES, PARTS, MANIFEST} or not path.is_file():
                self._note_problem("file", f"{name!a} is no part of an export")

    def _read_note(self, name: str, folder: str, base: str) -> None:
        limit = anchor_limit(base) if folder == ANCHORS else MAX_NOTE_BYTES
        with open_plain(self._folder / name) as file:
            raw = file.read(limit + 1)
        self._small += max(len(raw), _LEAST)
        if self._small > _MAX_SMALL_BYTES:
            raise self._too_much()
        if len(raw) > limit and not base.endswith(".note"):
            self._note_problem("file", f"{name!a} has more than {limit} bytes")
        self._files[name] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        self._counts[folder] += 1
        if folder == ANCHORS and not base.endswith(".note"):
            return
        try:
            note = parse_note(raw)
            checkpoint = parse_checkpoint(note.text)
        except NoteError as error:
            self._note_problem("checkpoint", f"{name!a}: {error}")
            return
        if checkpoint.origin != self._origin:
            self._note_problem("checkpoint", f"{name!a} is of {checkpoint.origin!a}, not of {self._origin!a}")
        elif folder == ANCHORS:
            self._anchors.append((note, checkpoint))
        elif base != f"{checkpoint.tree.size:020d}.note":
            self._note_problem("checkpoint", f"{name!a} is over {checkpoint.tree.size} entries")
        else:
            self._notes[checkpoint.tree.size] = note, checkpoint
            self.checkpoints.append(KeptCheckpoint(checkpoint.tree.size, raw))

    def _too_much(self) -> ExportError:
        return ExportError(
            f"the checkpoints and anchors of {self._folder} have more than {_MAX_SMALL_BYTES} bytes, "
            f"each counted as at least {_LEAST}"
        )

    def _note_problem(self, code: str, text: str) -> None:
        """Keep the first problem that no entry is at fault for: one that has an entry is told before it."""
        self._problem = self._problem or BrokenChainError(None, code, text)

    def _walk(self, lines: DigestReader, leaves: DigestReader, parts: DigestReader) -> Iterator[StoredEntry]:
        wanted = {*self._notes, *(checkpoint.tree.size for _, checkpoint in self._anchors)}
        self._roots[0] = self._frontier.head().root
        while line := lines.line(MAX_ENTRY_BYTES + 1):
            seq = self._frontier.size
            if not line.endswith(b"\n"):
                raise BrokenChainError(seq, "missing", "the line of the entry does not end")
            stored, entry = self._entry(seq, line[:-1], leaves.read(HASH_BYTES), parts)
            self._chain.take(stored)
            self._remember(entry, stored)
            self._frontier.add(stored.leaf)
            if self._frontier.size in wanted:
                self._roots[self._frontier.size] = self._frontier.head().root
            yield stored
        if leaves.read(1) or parts.line(1):
            raise BrokenChainError(self._frontier.size, "missing", "the entry is not there, but its hash or a part is")

    def _entry(self, seq: int, body: bytes, leaf: bytes, parts: DigestReader) -> tuple[StoredEntry, Entry]:
        try:
            entry = decode_entry(body)
        except ProfileError as error:
            raise BrokenChainError(seq, "format", str(error)) from None
        found = tuple(self._part(seq, name, parts.line(_MAX_PART_LINE)) for name in sorted(entry.parts))
        return StoredEntry(seq, entry.idem, leaf, body, found), entry

    def _part(self, seq: int, name: str, line: bytes) -> StoredPart:
        match = _PART.fullmatch(line.removesuffix(b"\n"))
        if match is None or not line.endswith(b"\n") or int(match[1]) != seq or match[2].decode() != name:
            raise BrokenChainError(seq, "part", f"{PARTS} does not have the part {name} next")
        self._counts["parts"] += 1
        if match[3] == b"null":
            if match[4] != b"null":
                raise BrokenChainError(seq, "part", f"the part {name} has data without a salt")
            self._counts["erased"] += 1
            return StoredPart(name, None, None)
        return StoredPart(name, bytes.fromhex(match[3][1:-1].decode()), match[4])

    def _remember(self, entry: Entry, stored: StoredEntry) -> None:
        self._counts["entries"] += 1
        if entry.kind == KEY_ROTATED and entry.key != NO_KEY:
            for part in stored.parts:
                if part.name == ROTATION_PART and part.data is not None:
                    self._trust.add(read_rotation(entry, part.data))

    def _earlier(self, error: BrokenChainError) -> BrokenChainError:
        """Return what stands before ``error``: a root that is not the signed one."""
        try:
            self._check_roots()
        except BrokenChainError as root:
            return root
        return error if error.seq is not None else self._problem or error

    def _check_roots(self) -> None:
        """Compare each signed root with the computed one, as far as the entries go."""
        good = 0
        for size, (note, checkpoint) in sorted(self._notes.items()):
            try:
                self._signed[size] = self._trust.signers(note)
            except SignatureError as error:
                self._note_problem("checkpoint", f"the checkpoint over {size} entries: {error}")
                continue
            if self._roots.get(size, checkpoint.tree.root) != checkpoint.tree.root:
                raise BrokenChainError(good, "root", f"one of the entries {good} to {size - 1} is not what was signed")
            good = size

    def _finish(self) -> None:
        height = self._frontier.size
        self._check_roots()
        trusted = self._trust.settle(self._signed)
        if trusted.distrusted:
            self._note_problem(
                "checkpoint", f"the checkpoint over {trusted.distrusted[0]} entries is signed by no trusted key"
            )
        if trusted.size > height:
            raise BrokenChainError(
                height, "missing", f"a checkpoint was signed when the log had {trusted.size} entries"
            )
        self._chain.check_erasures()
        self._check_anchors(trusted.keys)
        if self._problem is not None:
            raise self._problem
        self._check_manifest()
        if trusted.size < height or not self._notes:
            raise ExportError(f"the entries from {trusted.size} on are covered by no signed checkpoint")

    def _check_anchors(self, keys: Sequence[VerifierKey]) -> None:
        for note, checkpoint in sorted(self._anchors, key=lambda one: one[1].tree.size):
            size = checkpoint.tree.size
            try:
                verify_note(note, keys)
            except SignatureError as error:
                self._note_problem("checkpoint", f"an anchor over {size} entries: {error}")
                continue
            if size > self._frontier.size:
                raise BrokenChainError(self._frontier.size, "missing", f"an anchor is over {size} entries")
            if self._roots[size] != checkpoint.tree.root:
                raise BrokenChainError(0, "root", f"an anchor over {size} entries has another root")

    def _check_manifest(self) -> None:
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "origin": self._origin,
            "log": self._log,
            "height": self._frontier.size,
            "head": self._chain.head.leaf,
            "root": self._frontier.head().root.hex(),
            "counts": self._counts,
            "files": self._files,
        }
        expected = canonical_bytes(manifest) + b"\n"
        with open_plain(self._folder / MANIFEST) as file:
            found = file.read(len(expected) + 1)
        if found != expected:
            raise BrokenChainError(None, "manifest", f"{MANIFEST} is not that of these files")


def _files_of(folder: Path) -> Iterator[Path]:
    """Yield what is in an export and its two folders; no other folder is opened, however deep it goes. Raises ``OSError``."""
    for path in folder.iterdir():
        yield path
        if path.name in {CHECKPOINTS, ANCHORS} and path.is_dir() and not path.is_symlink():
            yield from path.iterdir()
