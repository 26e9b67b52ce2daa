"""Who looks at a page: a person whom a trusted proxy names, or one who signed in with a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request

from api.edge import Edge, TheEdge
from api.pages.forms import form_token, read_fields, require_form_token
from api.pages.sessions import session_of
from api.problems import Problem
from api.tokens import Scope

SIGN_IN = "/sign-in"
LONGEST_RETURN = 2000
"""Characters of the address of a page to which signing in leads back."""


@dataclass(frozen=True)
class Visitor:
    """Who looks at a page. ``actor`` is empty for one who may only read; ``rank`` names a :class:`lumen.ballot.Rank`.

    ``form_token`` goes into a hidden field of that name of every form: see :func:`read_form`.
    """

    actor: str
    rank: str
    scopes: frozenset[Scope]
    form_token: str = field(repr=False)


async def visitor_of(request: Request, edge: Edge) -> Visitor | None:
    """Return who is signed in, or None.

    Raises:
        Problem: 400 or 401, somebody tries to be taken for a person whom the proxy names; see ``api.pages.forward_auth``.

    """
    proxy = edge.forward_auth
    person = proxy.person(request) if proxy else None
    if proxy and person:
        return Visitor(person, "oidc", proxy.scopes, form_token(edge, f"person:{person}"))
    session = session_of(request, edge)
    if session is None:
        return None
    # A token that belongs to nobody proves nothing about who holds it.
    rank = "token" if session.caller.bound else "signal"
    return Visitor(session.actor, rank, session.caller.scopes, form_token(edge, f"session:{session.id}"))


async def signed_in(request: Request, edge: TheEdge) -> Visitor:
    """Return who is signed in; raises :class:`Problem` 303 to the page where one signs in."""
    visitor = await visitor_of(request, edge)
    if visitor is None:
        raise Problem(303, "sign in first", {"Location": _sign_in_for(request), "Cache-Control": "no-store"})
    return visitor


TheVisitor = Annotated[Visitor, Depends(signed_in)]


async def read_form(request: Request, edge: Edge, visitor: Visitor) -> dict[str, str]:
    """Return the fields of a form that a page of this site showed to ``visitor``, without its ``form_token``.

    Raises:
        Problem: 403 another site sent it, or the page was made for somebody else or too long ago; 400, 408, 413, 415.

    """
    fields = await read_fields(request, edge)
    require_form_token(edge, fields.pop("form_token", ""), visitor.form_token)
    return fields


def _sign_in_for(request: Request) -> str:
    """Return where to sign in, and to come back to this page if it is one that can be opened again.

    An address that is too long to come back to is left out: it would be longer still here, too long for many clients.
    """
    query = f"?{request.url.query}" if request.url.query else ""
    back = request.url.path + query
    if request.method not in {"GET", "HEAD"} or request.url.path == "/" or len(back) > LONGEST_RETURN:
        return SIGN_IN
    return f"{SIGN_IN}?{urlencode({'next': back})}"
