"""proofd over HTTP: translates requests to the store and back; the store decides."""

import asyncio
import json
from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException

from proof.errors import BrokenChainError, IdemConflictError, ProofError, UnavailableError
from proof.format.canonical import parse_json
from proof.format.chain import StoredEntry, check_entry
from proof.http.export_routes import export_routes
from proof.http.gate import bearer, limited_body
from proof.http.metrics import LedgerCollector, append_counter
from proof.http.openapi import describe
from proof.http.problems import install, problem
from proof.http.proof_routes import proof_routes
from proof.ledger import Ledger
from proof.store import LedgerStore, Receipt
from proof.storing.draft import Draft, check_idem, draft_of
from proof.verifying import Verifier

_SMALL_BODY = 64 * 1024  # checked on the event loop; larger ones in a thread, so that others are answered meanwhile
_SEQ_DIGITS = 16


def create_app(ledger: Ledger, tokens: Sequence[str], registry: CollectorRegistry) -> FastAPI:
    """Return the application over an open ``ledger``; ``tokens`` are the accepted bearer tokens (at least one).

    Open: ``GET /head``, ``/stats``, ``/metrics``, ``/healthz`` and the routes of ``proof.http.proof_routes``. With a token:
    ``POST /append``, ``/verify``, ``GET /entries/{seq}``, ``/entries?idem=``. The application does not close the ledger.
    """
    store = ledger.store
    registry.register(LedgerCollector(ledger))
    app = FastAPI(title="proofd", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    # FastAPI's own way to change the document: https://fastapi.tiangolo.com/how-to/extending-openapi/
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    install(app)
    app.include_router(_open_routes(store, registry))
    app.include_router(proof_routes(ledger))
    guarded = [Depends(bearer(tokens))]
    app.include_router(_append_route(store, registry), dependencies=guarded)
    app.include_router(_verify_route(ledger.verifier, store), dependencies=guarded)
    app.include_router(_read_routes(store), dependencies=guarded)
    app.include_router(export_routes(ledger), dependencies=guarded)
    return app


def _open_routes(store: LedgerStore, registry: CollectorRegistry) -> APIRouter:
    router = APIRouter()

    @router.get("/head")
    @router.get("/stats")
    async def stats() -> Response:
        head = store.head
        return JSONResponse({"ok": store.failure is None, "head": head.leaf, "height": head.height, "bytes": head.size})

    @router.get("/healthz")
    async def healthz() -> Response:
        if store.failure is not None:
            raise UnavailableError(f"the ledger is frozen: {store.failure}")
        return JSONResponse({"status": "ok"})

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return router


def _append_route(store: LedgerStore, registry: CollectorRegistry) -> APIRouter:
    router = APIRouter()
    appends = append_counter(registry)

    @router.post("/append")
    async def append(request: Request) -> Response:
        try:
            receipt = await _append(store, await limited_body(request))
        except (ProofError, HTTPException) as error:
            appends.labels(_result_of(error)).inc()
            raise
        appends.labels("duplicate" if receipt.duplicate else "appended").inc()
        return JSONResponse(
            {
                "seq": receipt.seq,
                "leaf": receipt.leaf,
                "prev": receipt.prev,
                "height": receipt.height,
                "duplicate": receipt.duplicate,
            }
        )

    return router


def _verify_route(verifier: Verifier, store: LedgerStore) -> APIRouter:
    router = APIRouter()

    @router.post("/verify")
    async def verify() -> Response:
        frozen = store.failure
        result = await asyncio.to_thread(verifier.verify, full=True)
        # An older copy, or another history, holds by itself: why nothing may be added to it is what has to be told.
        told = frozen if frozen is not None and result.first_bad_seq is None else result.reason
        return JSONResponse(
            {
                "ok": result.ok and frozen is None,
                "height": result.height,
                "first_bad_seq": result.first_bad_seq,
                "reason": told,
            }
        )

    return router


def _read_routes(store: LedgerStore) -> APIRouter:
    router = APIRouter()

    @router.get("/entries/{seq}")
    async def entry(seq: str) -> Response:
        if not (seq.isascii() and seq.isdecimal() and len(seq) <= _SEQ_DIGITS):
            return problem(404, "the number of an entry is a decimal integer from 0 on")
        return _entry_answer(store, await asyncio.to_thread(_checked, store, int(seq)))

    @router.get("/entries")
    async def entry_by_idem(request: Request) -> Response:
        idem = check_idem(request.query_params.get("idem"))
        return _entry_answer(store, await asyncio.to_thread(_checked, store, idem))

    return router


async def _append(store: LedgerStore, body: bytes) -> Receipt:
    draft = _draft(body) if len(body) <= _SMALL_BODY else await asyncio.to_thread(_draft, body)
    return await asyncio.wrap_future(store.append(draft))


def _draft(body: bytes) -> Draft:
    return draft_of(parse_json(body))


def _result_of(error: Exception) -> str:
    if isinstance(error, IdemConflictError):
        return "conflict"
    return "unavailable" if isinstance(error, UnavailableError | BrokenChainError) else "refused"


def _checked(store: LedgerStore, key: int | str) -> bytes | None:
    """Return the JSON of an entry, or None; damage freezes the ledger and is never served as content."""
    try:
        stored = store.entry(key) if isinstance(key, int) else store.entry_by_idem(key)
        return None if stored is None else _entry_json(stored, store.log)
    except BrokenChainError as error:
        store.freeze(str(error))
        raise


def _entry_json(stored: StoredEntry, log: str) -> bytes:
    """Return ``{seq, leaf, prev, kind, idem, at, parts}``; part data are the stored bytes, erased parts are left out."""
    entry = check_entry(stored, log)
    fields = {
        "seq": entry.seq,
        "leaf": stored.leaf.hex(),
        "prev": entry.prev,
        "kind": entry.kind,
        "idem": entry.idem,
        "at": entry.at,
    }
    envelope = json.dumps(fields, ensure_ascii=False).encode("utf-8")
    # Spliced, not parsed and written again: what the caller reads is what was committed to, down to the last digit.
    parts = b",".join(b'"%b":%b' % (part.name.encode(), part.data) for part in stored.parts if part.data is not None)
    return envelope[:-1] + b', "parts":{' + parts + b"}}"


def _entry_answer(store: LedgerStore, body: bytes | None) -> Response:
    if body is None:
        return problem(404, f"there is no such entry; the ledger holds {store.head.height}")
    return Response(body, media_type="application/json")
