"""The last signed checkpoint, kept apart from the ledger: what stops an older copy of it from going on as if nothing were.

One file with one signed note, replaced by compare-and-swap. It may lie on another disk than the ledger; what is restored with
the ledger in one piece cannot tell that the ledger is old.
"""

from __future__ import annotations

from pathlib import Path

from proof.errors import BrokenChainError, StartError
from proof.files.durable import replace_file
from proof.files.lockfile import WriterLock, refuse_network_file_system
from proof.files.reading import open_plain
from proof.format.note import MAX_NOTE_BYTES


class LastSigned:
    """The file of one running proofd, locked."""

    def __init__(self, path: Path, lock: WriterLock) -> None:
        """Take over a locked file; ``open`` is the way to get here."""
        self._path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> LastSigned:
        """Lock ``path``, which need not exist yet, and make its folder; raises ``StartError``."""
        try:
            path = path.resolve()  # of a link, the file that it leads to is replaced: it may be on another disk
        except RuntimeError:
            raise StartError(f"the links of {path} lead in a circle: correct PROOF_CHECKPOINT_FILE") from None
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StartError(
                f"the folder {path.parent} of the last signed checkpoint cannot be made: {error.strerror}: "
                "correct PROOF_CHECKPOINT_FILE"
            ) from None
        refuse_network_file_system(path.parent)
        return cls(path, WriterLock.take(path))

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def load(self) -> bytes | None:
        """Return the signed note, or None if there is no file; raises ``StartError`` if it cannot be read."""
        try:
            return self._read()
        except OSError as error:
            raise StartError(f"the checkpoint {self._path} cannot be read: {error.strerror}") from None

    def swap(self, expected: bytes | None, note: bytes) -> None:
        """Put ``note`` in the place of ``expected``; when this returns the disk has it.

        Raises ``BrokenChainError`` if something else is there, and ``OSError``: then nobody knows what the disk has, and
        the process must stop.
        """
        if self._read() != expected:
            raise BrokenChainError(
                None, "checkpoint", "somebody else changed the last signed checkpoint: two ledgers use it"
            )
        replace_file(self._path, note)

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def _read(self) -> bytes | None:
        try:
            with open_plain(self._path) as file:
                return file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
