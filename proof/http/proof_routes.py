"""The open routes with which anybody checks the ledger: vkey, checkpoint, proofs. Bad numbers are 422, whatever they are."""

import base64
from collections.abc import Sequence

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from proof.errors import ProfileError, UnavailableError
from proof.format.merkle import NodeId, consistency_proof, inclusion_proof, tree_head
from proof.ledger import Ledger
from proof.signing.notary import Published

_MAX_DIGITS = 16
_PATIENCE = 5.0


def proof_routes(ledger: Ledger) -> APIRouter:
    """Return ``GET /vkey``, ``/checkpoint``, ``/proof/inclusion`` and ``/proof/consistency`` over ``ledger``."""
    router = APIRouter()

    @router.get("/vkey")
    async def vkey(request: Request) -> Response:
        """Every key that signs, one a line, the one in force last; or the same as JSON."""
        keys = [str(key) for key in ledger.notary.ring.verifiers]
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"vkey": keys[-1], "vkeys": keys})
        return PlainTextResponse("".join(f"{key}\n" for key in keys))

    @router.get("/checkpoint")
    async def checkpoint() -> Response:
        return PlainTextResponse((await newest_checkpoint(ledger)).note.decode("utf-8"))

    @router.get("/proof/inclusion")
    async def inclusion(request: Request) -> Response:
        newest = await newest_checkpoint(ledger)
        seq = _number(request, "seq", None)
        size = _number(request, "size", newest.tree.size)
        form = request.query_params.get("format", "json")
        if form == "json":
            return JSONResponse(await anyio.to_thread.run_sync(_inclusion, ledger, seq, size, newest))
        if form != "tlog-proof" or size != newest.tree.size:
            raise ProfileError(
                f"format: must be json or tlog-proof; the latter is over the newest checkpoint, size {newest.tree.size}"
            )
        return PlainTextResponse(await anyio.to_thread.run_sync(_tlog_proof, ledger, seq, newest))

    @router.get("/proof/consistency")
    async def consistency(request: Request) -> Response:
        newest = await newest_checkpoint(ledger)
        old = _number(request, "from", None)
        new = _number(request, "to", newest.tree.size)
        return JSONResponse(await anyio.to_thread.run_sync(_consistency, ledger, old, new))

    return router


async def newest_checkpoint(ledger: Ledger) -> Published:
    """Return a checkpoint over all that was committed before this call; the last one there is, if the ledger is frozen."""
    published, size = ledger.notary.published, ledger.store.head.height
    if published is not None and (published.tree.size >= size or ledger.store.failure is not None):
        return published
    if ledger.store.failure is not None:
        raise UnavailableError(f"there is no checkpoint: the ledger is frozen: {ledger.store.failure}")
    return await anyio.to_thread.run_sync(ledger.notary.covering, size, _PATIENCE)


def _inclusion(ledger: Ledger, seq: int, size: int, newest: Published) -> dict[str, object]:
    _check_size(ledger, size)
    if seq >= size:
        raise ProfileError(f"seq: there is no entry {seq} among the first {size}")
    nodes = ledger.store.nodes
    answer: dict[str, object] = {
        "seq": seq,
        "size": size,
        "leaf": nodes([NodeId(0, seq)])[0].hex(),
        "root": tree_head(size, nodes).root.hex(),
        "proof": _hex(inclusion_proof(seq, size, nodes)),
    }
    return answer | ({"checkpoint": newest.note.decode("utf-8")} if size == newest.tree.size else {})


def _tlog_proof(ledger: Ledger, seq: int, newest: Published) -> str:
    """Return the text of C2SP's tlog-proof (https://c2sp.org/tlog-proof)."""
    if seq >= newest.tree.size:
        raise ProfileError(f"seq: there is no entry {seq} among the first {newest.tree.size}")
    hashes = inclusion_proof(seq, newest.tree.size, ledger.store.nodes)
    lines = ["c2sp.org/tlog-proof@v1", f"index {seq}", *(base64.b64encode(one).decode("ascii") for one in hashes)]
    return "\n".join(lines) + "\n\n" + newest.note.decode("utf-8")


def _consistency(ledger: Ledger, old: int, new: int) -> dict[str, object]:
    _check_size(ledger, new)
    if old > new:
        raise ProfileError(f"from: a tree of {new} entries cannot extend one of {old}")
    nodes = ledger.store.nodes
    return {
        "from": old,
        "to": new,
        "from_root": tree_head(old, nodes).root.hex(),
        "to_root": tree_head(new, nodes).root.hex(),
        "proof": _hex(consistency_proof(old, new, nodes)),
    }


def _check_size(ledger: Ledger, size: int) -> None:
    height = ledger.store.head.height
    if size > height:
        raise ProfileError(f"there is no tree of {size} entries: the ledger holds {height}")


def _number(request: Request, name: str, default: int | None) -> int:
    given = request.query_params.getlist(name)
    if not given and default is not None:
        return default
    text = given[0] if len(given) == 1 else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise ProfileError(
            f"{name}: must be given once, as a decimal number from 0 on with at most {_MAX_DIGITS} digits"
        )
    return int(text)


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]
