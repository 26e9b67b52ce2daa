"""What proofd serves for exports and bundles, as the data of the ledger's own modules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.failure import CommandError
from cli.remote import Remote
from proof.format.chain import StoredEntry, StoredPart
from proof.format.checkpoint import Checkpoint, open_checkpoint
from proof.format.entry import Entry, decode_entry
from proof.format.note import VerifierKey


@dataclass(frozen=True)
class SignedHead:
    """A signed checkpoint, the bytes of its note, and the log it is of."""

    log: str
    note: bytes
    checkpoint: Checkpoint


class LedgerSource:
    """A running proofd, read page by page."""

    def __init__(self, remote: Remote) -> None:
        """Ask ``remote``."""
        self._remote = remote

    def head(self) -> SignedHead:
        """Return a checkpoint over all that is committed; raises ``NoteError`` unless a key of this proofd signed it."""
        body = self._remote.get("/export/head").body
        try:
            note = body["checkpoint"].encode()
            keys = [VerifierKey.parse(text) for text in body["vkeys"]]
            return SignedHead(body["log"], note, open_checkpoint(note, body["origin"], keys))
        except (KeyError, TypeError, AttributeError):
            raise _unusable() from None

    def entries(self, first: int, end: int) -> Iterator[StoredEntry]:
        """Yield the entries from number ``first`` to below ``end``, unchecked."""
        while first < end:
            page = self._page({"from": str(first), "limit": str(min(1000, end - first))})
            if not page:
                raise CommandError(f"the ledger does not serve entry {first}, although its checkpoint covers it")
            yield from page
            first += len(page)

    def beginning_with(self, prefix: str) -> Iterator[tuple[Entry, StoredEntry]]:
        """Yield the entries whose idempotency key begins with ``prefix``, read; raises ``ProfileError``."""
        first = 0
        while page := self._page({"from": str(first), "prefix": prefix}):
            for stored in page:
                yield decode_entry(stored.body), stored
            first = page[-1].seq + 1

    def checkpoints(self, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield size and note of every kept checkpoint over at most ``end`` entries."""
        query: dict[str, str] = {}
        while True:
            page = self._remote.get("/export/checkpoints", query).body.get("checkpoints")
            if not page:
                return
            for item in page:
                try:
                    size, note = int(item["size"]), item["note"].encode()
                except (KeyError, TypeError, ValueError, AttributeError):
                    raise _unusable() from None
                if size > end:
                    return
                yield size, note
            query = {"after": str(size)}

    def proof(self, seq: int, size: int) -> list[bytes]:
        """Return the inclusion proof of an entry in the tree of ``size`` entries."""
        body = self._remote.get("/proof/inclusion", {"seq": str(seq), "size": str(size)}).body
        try:
            return [bytes.fromhex(one) for one in body["proof"]]
        except (KeyError, TypeError, ValueError):
            raise _unusable() from None

    def _page(self, query: dict[str, str]) -> list[StoredEntry]:
        try:
            return [_stored(item) for item in self._remote.get("/export/entries", query).body["entries"]]
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise _unusable() from None


def _stored(item: dict[str, Any]) -> StoredEntry:
    body = base64.b64decode(item["body"], validate=True)
    parts = tuple(StoredPart(part["name"], _bytes(part["salt"]), _bytes(part["data"])) for part in item["parts"])
    return StoredEntry(int(item["seq"]), decode_entry(body).idem, bytes.fromhex(item["leaf"]), body, parts)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


def _unusable() -> CommandError:
    return CommandError(
        "the ledger (proofd) gave an answer that cannot be used: are its version and this one the same?"
    )
