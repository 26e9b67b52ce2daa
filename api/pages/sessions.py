"""Sessions of people who signed in with a token: a sealed cookie that holds no secret, and nothing on the server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fastapi import Request, Response

from api.edge import Edge
from api.tokens import Caller, Scope, token_mark
from lumen.errors import SealError
from lumen.sealing import seal, unseal

SESSION_SECONDS = 8 * 3600
"""A working day: who leaves a browser open in the evening is signed out by the morning."""

_PURPOSE = "session"
_FIELDS: dict[str, type] = {"n": str, "m": str, "a": str, "x": int}


@dataclass(frozen=True)
class Session:
    """Who is signed in. ``id`` is unique; ``actor`` is the token's person, or whom somebody named who has no such token."""

    id: str
    caller: Caller
    actor: str


def new_session(edge: Edge, token: str, named: str) -> str:
    """Return a session for the holder of ``token`` as text for :func:`keep`; ``named`` is the person that they say they are."""
    nonce = secrets.token_urlsafe(16)
    values = (nonce, token_mark(token, nonce), named, int(edge.now().timestamp()) + SESSION_SECONDS)
    return seal(_PURPOSE, dict(zip(_FIELDS, values, strict=True)), edge.bridge_keys)


def session_of(request: Request, edge: Edge) -> Session | None:
    """Return the session of ``request``; None without one, when it expired or was forged, or when its token is gone."""
    sealed = request.cookies.get(cookie_name(edge), "")
    try:
        found = unseal(_PURPOSE, sealed, edge.bridge_keys)
    except SealError:
        return None
    values = [found.get(name) for name in _FIELDS]
    if set(found) != set(_FIELDS) or [type(value) for value in values] != list(_FIELDS.values()):
        return None
    if edge.now().timestamp() >= found["x"]:
        return None
    # Asked anew each time: what was taken out of the settings, or lost a scope there, has lost it here too.
    caller = edge.tokens.marked(found["m"], found["n"])
    if caller is None or Scope.READ not in caller.scopes:
        return None
    return Session(found["n"], caller, caller.actor or found["a"])


def cookie_name(edge: Edge) -> str:
    """Return the name of the cookie. ``__Host-`` (RFC 6265bis): no other host and no plain page can set it."""
    return "__Host-lumen" if _is_https(edge) else "lumen"


def keep(response: Response, edge: Edge, session: str) -> None:
    """Let the browser keep ``session``."""
    response.set_cookie(
        cookie_name(edge),
        session,
        max_age=SESSION_SECONDS,
        path="/",
        secure=_is_https(edge),
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, edge: Edge) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(cookie_name(edge), path="/", secure=_is_https(edge), httponly=True, samesite="lax")


def _is_https(edge: Edge) -> bool:
    return edge.site.base_url.lower().startswith("https://")
