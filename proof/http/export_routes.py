"""The routes from which an export is made: entries in bulk, with the very bytes that are stored, and kept checkpoints."""

import asyncio
import base64
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from proof.errors import BrokenChainError, ProfileError
from proof.format.chain import StoredEntry
from proof.http.proof_routes import newest_checkpoint
from proof.ledger import Ledger
from proof.store import KeptCheckpoint, LedgerStore
from proof.storing.draft import check_idem

_MAX_ENTRIES = 1000
_MAX_CHECKPOINTS = 1000
_SLICE = 50
_ENOUGH_BYTES = 4 * 1024 * 1024
_MAX_DIGITS = 16


def export_routes(ledger: Ledger) -> APIRouter:
    """Return ``GET /export/head``, ``/export/entries?from=&limit=&prefix=`` and ``/export/checkpoints?after=&limit=``.

    The head is ``{origin, log, checkpoint, vkeys}``, its checkpoint covers all that was committed before. Entries are
    ``{seq, leaf, body, parts: [{name, salt, data}]}`` with ``body``, ``salt`` and ``data`` in base64, both null for an erased
    part; ``prefix`` picks those whose idempotency key begins with it. Checkpoints are ``{size, note}``. An answer may hold
    fewer than asked for: ask again after the last one, until it holds none.
    """
    router, store = APIRouter(prefix="/export"), ledger.store

    @router.get("/head")
    async def head() -> Response:
        checkpoint = (await newest_checkpoint(ledger)).note.decode("utf-8")
        keys = [str(key) for key in ledger.notary.ring.verifiers]
        return JSONResponse({"origin": ledger.origin, "log": store.log, "checkpoint": checkpoint, "vkeys": keys})

    @router.get("/entries")
    async def entries(request: Request) -> Response:
        first, limit = _number(request, "from", 0), _number(request, "limit", _MAX_ENTRIES)
        prefix = request.query_params.get("prefix", "")
        if prefix:
            check_idem(prefix)  # no key begins with anything else, and PostgreSQL takes no NUL in a text
        found = await asyncio.to_thread(_entries, store, first, min(limit, _MAX_ENTRIES), prefix)
        return JSONResponse({"entries": found})

    @router.get("/checkpoints")
    async def checkpoints(request: Request) -> Response:
        after, limit = _number(request, "after", -1), _number(request, "limit", _MAX_CHECKPOINTS)
        return JSONResponse({"checkpoints": await asyncio.to_thread(_kept, store, after, min(limit, _MAX_CHECKPOINTS))})

    return router


def _entries(store: LedgerStore, first: int, limit: int, prefix: str) -> list[dict[str, Any]]:
    """Return entries as JSON, with more than ``_ENOUGH_BYTES`` only if the last slice has; damage freezes the ledger."""
    found: list[dict[str, Any]] = []
    size = 0
    try:
        wanted = store.find(prefix, first, limit) if prefix else range(first, first + limit)
        for start in range(0, len(wanted), _SLICE):
            some = wanted[start : start + _SLICE]
            stored = _picked(store, some) if prefix else store.entries(some[0], len(some))
            found += map(_item, stored)
            size += sum(len(one.body) + sum(len(part.data or b"") for part in one.parts) for one in stored)
            if size >= _ENOUGH_BYTES or len(stored) < len(some):
                break
    except BrokenChainError as error:
        store.freeze(str(error))
        raise
    return found


def _kept(store: LedgerStore, after: int, limit: int) -> list[dict[str, Any]]:
    """Return kept checkpoints as JSON; damage freezes the ledger."""
    try:
        return [{"size": one.size, "note": _note(one)} for one in store.checkpoints(after, limit)]
    except BrokenChainError as error:
        store.freeze(str(error))
        raise


def _note(kept: KeptCheckpoint) -> str:
    try:
        return kept.note.decode("utf-8")
    except UnicodeDecodeError:
        problem = f"the kept checkpoint over {kept.size} entries is no text"
        raise BrokenChainError(None, "checkpoint", problem) from None


def _picked(store: LedgerStore, seqs: Any) -> list[StoredEntry]:
    return [stored for seq in seqs if (stored := store.entry(seq)) is not None]


def _item(stored: StoredEntry) -> dict[str, Any]:
    return {
        "seq": stored.seq,
        "leaf": stored.leaf.hex(),
        "body": _text(stored.body),
        "parts": [{"name": part.name, "salt": _text(part.salt), "data": _text(part.data)} for part in stored.parts],
    }


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise ProfileError(f"{name}: must be a decimal number from 0 on with at most {_MAX_DIGITS} digits")
    return int(text)
