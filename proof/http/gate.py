"""What stands between the network and a route: the bearer token first, then a body of bounded size and time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from proof.errors import UnavailableError

MAX_BODY_BYTES = 1024 * 1024
_BODY_SECONDS = 30.0


def bearer(tokens: Sequence[str]) -> Callable[[Request], Awaitable[None]]:
    """Return the dependency that lets only requests with one of ``tokens`` through (401 otherwise), unread body or not.

    Every token is compared, in constant time and over digests, so that the time tells neither content nor length.
    Raises ``ValueError`` for no token or an empty one.
    """
    if not tokens or not all(tokens):
        raise ValueError("proofd needs at least one token, and none may be empty: set PROOFD_TOKEN")
    accepted = [hashlib.sha256(token.encode("utf-8")).digest() for token in tokens]

    async def check(request: Request) -> None:
        sent = request.headers.getlist("authorization")
        # Of two, a proxy in front may have looked at the other one.
        scheme, _, given = (sent[0] if len(sent) == 1 else "").partition(" ")
        digest = hashlib.sha256(
            given.strip().encode("latin-1")
        ).digest()  # headers are read as latin-1: their very bytes
        matches = [hmac.compare_digest(digest, known) for known in accepted]
        if scheme.lower() != "bearer" or not any(matches):
            raise HTTPException(
                401, "a bearer token is needed: send Authorization: Bearer <token>", {"WWW-Authenticate": "Bearer"}
            )

    return check


async def limited_body(request: Request, seconds: float = _BODY_SECONDS) -> bytes:
    """Return the body of ``request``.

    Answers 413 as soon as the declared or received length passes 1 MiB, 503 after 30 s, 400 if the sender goes away.
    """
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _too_large()
    except TimeoutError:
        # Not a mistake of the sender, so not a 4xx: the same request may well arrive next time.
        raise UnavailableError(f"the body did not arrive within {seconds:g} s: retry") from None
    except ClientDisconnect:
        raise HTTPException(400, "the sender went away before the body was complete") from None
    return bytes(body)


def _too_large() -> HTTPException:
    return HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes: send smaller parts")
