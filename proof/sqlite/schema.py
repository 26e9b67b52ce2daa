"""The SQLite file of a ledger: its tables, its settings, and the two ways to connect."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from proof.errors import StartError
from proof.files.durable import sync_folder
from proof.files.lockfile import WriterLock, refuse_network_file_system
from proof.format.merkle import Frontier
from proof.store import LogIdentity

_log = logging.getLogger(__name__)
_APPLICATION_ID = 0x4C504631  # "LPF1", in the header of the file, so that file(1) and a start can tell whose it is
_SCHEMA_VERSION = 2
_WITHOUT_TREE = 1  # the layout of the first version: entries, parts and head as now, but no nodes and no checkpoints
_WAL_PAGES = 4000  # 16 MB: moving the log into the file stops appends for some ms, so not every two hundred entries
_OLDEST_SQLITE = (3, 37, 0)  # the first with STRICT tables
DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: names of columns and messages may be no UTF-8 either."""
_SCHEMA = """
CREATE TABLE entry (seq INTEGER PRIMARY KEY, idem TEXT NOT NULL UNIQUE, leaf BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE part (seq INTEGER NOT NULL, name TEXT NOT NULL, salt BLOB, data BLOB, PRIMARY KEY (seq, name)) STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, log TEXT NOT NULL,
                   height INTEGER NOT NULL, leaf TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'an entry never changes'); END;
CREATE TRIGGER entry_kept BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER part_kept BEFORE DELETE ON part BEGIN SELECT RAISE(ABORT, 'a part is erased, never deleted'); END;
CREATE TRIGGER part_stays BEFORE UPDATE ON part
  WHEN NEW.seq IS NOT OLD.seq OR NEW.name IS NOT OLD.name OR NEW.salt IS NOT NULL OR NEW.data IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'a part can only be erased'); END;
CREATE TRIGGER entry_new BEFORE INSERT ON entry WHEN EXISTS (SELECT 1 FROM entry WHERE seq = NEW.seq OR idem = NEW.idem)
  BEGIN SELECT RAISE(ABORT, 'an entry is never replaced'); END;
CREATE TRIGGER part_new BEFORE INSERT ON part WHEN EXISTS (SELECT 1 FROM part WHERE seq = NEW.seq AND name = NEW.name)
  BEGIN SELECT RAISE(ABORT, 'a part is never replaced'); END;
CREATE TRIGGER head_kept BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'the head is never deleted'); END;
"""
_TREE_SCHEMA = """
CREATE TABLE node (level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,
                   PRIMARY KEY (level, place)) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TRIGGER node_stays BEFORE UPDATE ON node BEGIN SELECT RAISE(ABORT, 'a node never changes'); END;
CREATE TRIGGER node_kept BEFORE DELETE ON node BEGIN SELECT RAISE(ABORT, 'a node is never deleted'); END;
CREATE TRIGGER node_new BEFORE INSERT ON node
  WHEN EXISTS (SELECT 1 FROM node WHERE level = NEW.level AND place = NEW.place)
  BEGIN SELECT RAISE(ABORT, 'a node is never replaced'); END;
CREATE TRIGGER checkpoint_stays BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'a checkpoint never changes'); END;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint
  BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;
"""
"""Added to every ledger of layout 1. ``node`` holds levels from 1 on (level 0 are the leaves of ``entry``)."""


def lock_place(path: Path) -> WriterLock:
    """Return the lock of the writer of the ledger in ``path`` (resolved); raises ``StartError`` if no ledger can be there."""
    if not path.parent.is_dir():
        raise StartError(f"the folder {path.parent} of the ledger does not exist: create it, or correct PROOF_DSN")
    refuse_network_file_system(path.parent)
    return WriterLock.take(path)


def connect_writer(path: Path, identity: LogIdentity) -> sqlite3.Connection:
    """Return the one writing connection, after making a new ledger if there is no file; the writer lock must be held.

    Raises ``StartError`` for a file that is not a ledger of this log, ``DAMAGE`` or ``OSError`` for one that cannot be
    read. A file that exists is never taken for a new ledger, however empty it is.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StartError(f"SQLite {sqlite3.sqlite_version} is too old for the ledger: 3.37 or newer is needed")
    if not path.exists():
        _create(path, identity)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.text_factory = _lenient_text
        _check_owner(db, path)
        _configure(db, path)
        _check_identity(db, path, identity)
    except BaseException:
        db.close()
        raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that cannot write. Text that is not UTF-8 is read with surrogates, so it equals no valid text."""
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    db.text_factory = _lenient_text
    return db


def _check_owner(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise StartError(
            f"the file {path} is a database, but not a Lumen ledger: use another file, or restore this one"
        )
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in {_WITHOUT_TREE, _SCHEMA_VERSION}:
        raise StartError(
            f"the ledger {path} has layout {version}, this program knows up to {_SCHEMA_VERSION}: use its program"
        )


def has_tree(db: sqlite3.Connection) -> bool:
    """Tell whether the ledger keeps nodes and checkpoints; one of the first version does not yet."""
    return int(db.execute("PRAGMA user_version").fetchone()[0]) != _WITHOUT_TREE


def add_tree(db: sqlite3.Connection) -> None:
    """Give a verified ledger of the first version its nodes and the table for checkpoints; entries stay as they are.

    One transaction: a crash leaves the one layout or the other.
    """
    db.execute("BEGIN IMMEDIATE")
    for statement in _statements(_TREE_SCHEMA):
        db.execute(statement)
    frontier = Frontier()
    for (leaf,) in db.execute("SELECT leaf FROM entry ORDER BY seq"):
        completed = frontier.add(leaf)
        db.executemany("INSERT INTO node VALUES (?, ?, ?)", [(*node, computed) for node, computed in completed])
    db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
    db.execute("COMMIT")
    _log.info("the tree over %d entries was added to the ledger; its entries are unchanged", frontier.size)


def _configure(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise StartError(f"the ledger {path} cannot use SQLite's WAL mode: put it on a local disk")
    db.execute("PRAGMA synchronous=FULL")  # an answered append survives power loss
    db.execute("PRAGMA fullfsync=ON")  # the same on macOS, where fsync alone does not reach the disk
    db.execute("PRAGMA secure_delete=ON")
    db.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    # After a failed fsync the log may be readable from memory and yet not be on the disk: write it down again, so that
    # what this start verifies is what the disk has.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create(path: Path, identity: LogIdentity) -> None:
    """Make a new ledger under another name and rename it, so that a crash leaves either all of it or nothing."""
    if path.with_name(path.name + "-wal").exists():
        raise StartError(
            f"the ledger {path} is gone, but its write-ahead log is still there: restore the file beside it"
        )
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)  # of a start that was interrupted here; the writer lock is held
    # The ledger names people: nobody but the owner reads it, nor the -wal and -shm files, which copy the mode.
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        for statement in _statements(_SCHEMA + _TREE_SCHEMA):
            db.execute(statement)
        db.execute("INSERT INTO head VALUES (1, ?, ?, 0, ?, 0)", (identity.origin, identity.log, identity.log))
        db.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        db.execute("COMMIT")
    draft.rename(path)
    sync_folder(path.parent)
    _log.info("created a new, empty ledger in %s", path)


def _check_identity(db: sqlite3.Connection, path: Path, identity: LogIdentity) -> None:
    row = db.execute("SELECT origin, log FROM head").fetchone()
    if row is not None and row[1] != identity.log:
        raise StartError(
            f"the ledger {path} belongs to another log (origin {row[0]!a}; this start has {identity.origin!a}): "
            "start with the origin and PROOF_SALT it was made with, or use another file"
        )


def _statements(schema: str) -> list[str]:
    found, text = [], ""
    for line in schema.strip().splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found


def _lenient_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
