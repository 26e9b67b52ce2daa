"""What the ledger's figures append, and the baseline: a bare loop of SQLite inserts that are as durable."""

from __future__ import annotations

import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any, Self

from proof.format.entry import log_id
from proof.store import LogIdentity

ORIGIN = "bench.example.com/ledger"
IDENTITY = LogIdentity(ORIGIN, log_id(ORIGIN, b"benchmark"))


def request() -> dict[str, Any]:
    """Return an append of the size of a claim: 1 KB as it is posted, with a key that no other has."""
    idem = f"alert-alertmanager-{uuid.uuid4().hex[:16]}/{uuid.uuid4()}/1/touch"
    claim = {"key": idem, "nonce": uuid.uuid4().hex, "argv": ["/usr/bin/touch", "--", "x" * 100], "more": "y" * 600}
    return {"idem": idem, "kind": "action.started", "parts": {"claim": claim}}


def posted() -> bytes:
    """Return an append as it is posted."""
    return json.dumps(request()).encode()


class BareInserts:
    """One table, one connection, one insert a transaction, each on the disk before the next one begins."""

    def __init__(self, path: Path) -> None:
        """Open or make ``path``, with WAL and ``synchronous=FULL`` as the ledger has it."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._db.close()

    def __call__(self) -> int:
        """Insert what the ledger is asked to append, and return how many that were."""
        self._db.execute("INSERT INTO entry (body) VALUES (?)", (posted(),))
        return 1
