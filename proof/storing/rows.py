"""Rows of any SQL database to stored entries, with the types they must have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any

from proof.errors import BrokenChainError
from proof.format.chain import StoredEntry, StoredPart

Row = tuple[Any, ...]


def stored_entry(row: Row, parts: Iterable[Row]) -> StoredEntry:
    """Return the entry in ``row`` (seq, idem, leaf, body) with its ``parts`` (seq, name, salt, data).

    Raises ``BrokenChainError`` for a column of another type.
    """
    seq, idem, leaf, body = row
    found = list(parts)
    if not _has_types(row, int, str, bytes, bytes) or not all(
        _has_types(part, int, str, bytes | None, bytes | None) for part in found
    ):
        raise BrokenChainError(seq, "database", "a column holds another type than the layout says")
    return StoredEntry(seq, idem, leaf, body, tuple(StoredPart(name, salt, data) for _, name, salt, data in found))


def merged(entries: Iterable[Row], parts: Iterator[Row]) -> Iterator[StoredEntry]:
    """Yield each of ``entries`` with its ``parts``; both ascend by seq. Parts of no entry are left out."""
    pending = next(parts, None)
    for row in entries:
        mine = []
        while pending is not None and pending[0] <= row[0]:
            if pending[0] == row[0]:
                mine.append(pending)
            pending = next(parts, None)
        yield stored_entry(row, mine)


def _has_types(row: Row, *types: type | UnionType) -> bool:
    return all(isinstance(value, expected) for value, expected in zip(row, types, strict=True))
