"""An empty ledger in a SQLite file, to be filled from an export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from proof.errors import StartError
from proof.exporting.importing import Place, refuse_content
from proof.sqlite.schema import DAMAGE, connect_writer, lock_place
from proof.sqlite.tables import SqliteTables
from proof.store import LogIdentity
from proof.storing.sequencer import Tables


def sqlite_place(path: Path, identity: LogIdentity, undo: ExitStack) -> Place:
    """Lock ``path`` until ``undo`` ends and see that no ledger with content is there; the file is made by the place itself."""
    path = path.resolve()
    undo.callback(lock_place(path).release)
    if path.exists():
        with _told(path), contextlib.closing(connect_writer(path, identity)) as db:
            (entries,) = db.execute("SELECT count(*) FROM entry").fetchone()
            (checkpoints,) = db.execute("SELECT count(*) FROM checkpoint").fetchone()
        refuse_content(str(path), entries, checkpoints)

    @contextlib.contextmanager
    def opened() -> Iterator[Tables]:
        with _told(path), contextlib.closing(SqliteTables(connect_writer(path, identity))) as tables:
            yield tables

    return opened


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, OSError) as error:
        raise StartError(f"the ledger {path} cannot be written: {error}. Nothing was taken in") from None
