"""Anchors as files in a directory: one signed note for each size, never changed, made to be carried away.

``00000000000000000042.note`` is a checkpoint over 42 entries. A git repository that is pushed to another server, a bucket with
object lock or a write-once disk holds them; names in order of size make the newest one the last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from proof.anchoring.sink import AnchorError, ForkError
from proof.errors import NoteError, StartError
from proof.files.durable import replace_file
from proof.files.reading import NotPlainError, open_plain
from proof.format.checkpoint import parse_checkpoint
from proof.format.merkle import TreeHead
from proof.format.note import MAX_NOTE_BYTES, parse_note
from proof.signing.notary import Published

_NAME = re.compile(r"[0-9]{20}\.note")
_TAKE_AWAY = "find out who put it there, and take it away"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The file over the most entries, its bytes, and why it cannot be the newest checkpoint, or None.

    ``size`` is what its name says. Under the name of a larger size an older checkpoint would hide the newest, and nothing
    would be written any more.
    """

    path: Path
    note: bytes
    flaw: str | None = None

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(self.path.stem)


class DirectorySink:
    """A ``Sink`` that writes files."""

    name = "directory"

    def __init__(self, folder: Path) -> None:
        """Write into ``folder``; raises ``StartError`` if there is none: an empty new one would know of nothing."""
        if not folder.is_dir():
            raise StartError(
                f"the anchor directory {folder} is not there: mount it, create it, or correct PROOF_ANCHOR_DIR"
            )
        self._folder = folder

    def publish(self, checkpoint: Published) -> str:
        """Write the checkpoint; raises ``AnchorError`` if it cannot be, ``ForkError`` if another one of this size is there."""
        path = self._folder / f"{checkpoint.tree.size:020d}.note"
        try:
            if path.exists():
                _compare(path.name, _tree(_read(path)), checkpoint.tree)
            else:
                replace_file(path, checkpoint.note)
                path.chmod(0o644)  # a checkpoint is for everybody
        except OSError as error:
            raise AnchorError(f"cannot write {path}: {error.strerror}") from None
        return path.name

    def newest(self) -> Anchor | None:
        """Return the newest anchor, or None if there are none; raises ``StartError`` if it cannot be read."""
        try:
            path = max((file for file in self._folder.iterdir() if _NAME.fullmatch(file.name)), default=None)
            return None if path is None else _newest(path)
        except OSError as error:
            raise StartError(
                f"the anchor directory {self._folder} cannot be read: {error.strerror} ({error.filename})"
            ) from None


def _newest(path: Path) -> Anchor:
    try:
        note = _read(path)
    except NotPlainError as error:
        return Anchor(path, b"", f"{error.strerror}: {_TAKE_AWAY}")
    tree = _tree(note)
    if tree is None or tree.size == int(path.stem):
        return Anchor(path, note)
    return Anchor(path, note, f"it is over {tree.size} entries, its name says another number: {_TAKE_AWAY}")


def _compare(name: str, there: TreeHead | None, ours: TreeHead) -> None:
    if there is None or there.size != ours.size:
        raise AnchorError(f"{name} is there and is no checkpoint over {ours.size} entries: take it away")
    if there != ours:
        raise ForkError(f"{name} holds another checkpoint over {ours.size} entries")


def _read(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read(MAX_NOTE_BYTES + 1)


def _tree(raw: bytes) -> TreeHead | None:
    try:
        return parse_checkpoint(parse_note(raw).text).tree
    except NoteError:
        return None
