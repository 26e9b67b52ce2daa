"""Values that several ledger tests share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from proof.errors import ProofError
from proof.format.chain import StoredEntry, StoredPart
from proof.format.entry import Entry, encode_entry, leaf_hash, log_id, part_commitment
from proof.ledger import Ledger, Places
from proof.ledger import open_ledger as open_signed
from proof.store import LedgerStore, LogIdentity, Receipt, beside, open_store
from proof.storing.draft import Draft, draft_of

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "example.com/ledger"
SALT = b"pepper"
LOG = log_id(ORIGIN, SALT)
IDENTITY = LogIdentity(ORIGIN, LOG)
START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
json_data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def draft(idem: str, kind: str = "command", **parts: Any) -> Draft:
    """Return a checked draft."""
    return draft_of({"idem": idem, "kind": kind, "parts": parts})


def stored(seq: int, prev: str, parts: dict[str, bytes] | None = None, **changes: Any) -> StoredEntry:
    """Return a stored entry whose own bytes are right, with any field of the entry changed first."""
    data = {"action": b'{"n":%d}' % seq} if parts is None else parts
    salts = {name: bytes([seq]) * 32 for name in data}
    fields: dict[str, Any] = {
        "log": LOG,
        "seq": seq,
        "prev": prev,
        "idem": f"key-{seq}",
        "kind": "command",
        "at": (START + timedelta(seconds=seq)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "parts": {name: part_commitment(salts[name], name, value) for name, value in data.items()},
        "size": sum(map(len, data.values())),
    }
    entry = Entry(**{**fields, **changes})
    body = encode_entry(entry)
    kept = tuple(StoredPart(name, salts[name], value) for name, value in data.items())
    return StoredEntry(seq, entry.idem, leaf_hash(body), body, kept)


def chain(length: int) -> list[StoredEntry]:
    """Return a sound chain."""
    entries: list[StoredEntry] = []
    for seq in range(length):
        entries.append(stored(seq, entries[-1].leaf.hex() if entries else LOG))
    return entries


def open_ledger(path: Path, identity: LogIdentity = IDENTITY) -> LedgerStore:
    """Open the SQLite ledger in ``path``; a failing write fails the test, since the writer's thread raises."""
    return open_store(f"sqlite:///{path}", identity, unexpected)


def places(path: Path, **changes: Any) -> Places:
    """Return the places beside the ledger in ``path``."""
    key, note = beside(path)
    return Places(**{"key_file": key, "checkpoint_file": note, "makes_key": True, **changes})


@contextlib.contextmanager
def signed_ledger(path: Path, **changes: Any) -> Iterator[Ledger]:
    """Yield the ledger in ``path`` with everything that signs and watches it; ``changes`` are to its places."""
    ledger = open_signed(f"sqlite:///{path}", IDENTITY, places(path, **changes), CollectorRegistry(), unexpected)
    try:
        yield ledger
    finally:
        ledger.close()


def append(store: LedgerStore, item: Draft) -> Receipt:
    """Append and wait for the commit."""
    return store.append(item).result(30)


def append_now(store: LedgerStore, item: Draft) -> Receipt:
    """Append by the calling thread."""
    [answer] = store.append_now([item])
    if isinstance(answer, ProofError):
        raise answer
    return answer


def unexpected(error: BaseException) -> None:
    raise error
