# ruff: noqa: INP001  # a program that is read from standard input, not a module
"""Writes a copy of the ledger to stdout while proofd runs: ``python - /var/lib/lumen/proof.db < backup_ledger.py > copy.db``.

Needs the standard library alone. The copy is whole and consistent (SQLite's own online backup); it stands beside the
ledger while it is made, which therefore needs that much room.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
from pathlib import Path


def back_up(ledger: Path) -> None:
    """Copy the database at ``ledger``; sqlite3.Error and OSError end the program with their text."""
    copy = ledger.with_name(ledger.name + ".backup")
    copy.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            # One file, and not one with a log beside it.
            target.execute("PRAGMA journal_mode = DELETE")
        with copy.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    finally:
        copy.unlink(missing_ok=True)


if __name__ == "__main__":
    back_up(Path(sys.argv[1]))
