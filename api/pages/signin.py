"""Signing in with an API token, and signing out."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.edge import TheEdge
from api.pages.forms import read_fields
from api.pages.pacing import Tries
from api.pages.rendering import Pages, ThePages
from api.pages.sessions import drop, keep, new_session
from api.pages.visitors import LONGEST_RETURN, SIGN_IN, TheVisitor, read_form, visitor_of
from api.problems import Problem
from api.tokens import Caller, Scope
from lumen.ballot import read_actor
from lumen.errors import BallotError
from lumen.links import ANONYMOUS

router = APIRouter()

_LOCAL = re.compile(rf"/(?![/\\])[!-\[\]-~]{{0,{LONGEST_RETURN - 1}}}")
_NO_STORE = {"Cache-Control": "no-store"}


@router.get(SIGN_IN)
async def sign_in_page(request: Request, edge: TheEdge, pages: ThePages) -> Response:
    """Show the form, and who is signed in already."""
    visitor = await visitor_of(request, edge)
    return _page(pages, local_path(request.query_params.get("next", "")), visitor=visitor)


@router.post(SIGN_IN)
async def sign_in(request: Request, edge: TheEdge, pages: ThePages) -> Response:
    """Begin a session for the holder of a token; any token that opens no page is answered alike."""
    tries, peer, now = _tries(request), request.client.host if request.client else "", edge.now().timestamp()
    if seconds := tries.wait(peer, now):
        answer = _page(pages, "/", problem="sign_in.too_often", status=429)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    try:
        fields = await read_fields(request, edge)
    except Problem as refused:
        return _page(pages, "/", problem="sign_in.not_sent", status=refused.status)
    token, named, after = (
        fields.get("token", "").strip(),
        fields.get("name", "").strip(),
        local_path(fields.get("next", "")),
    )
    caller = edge.tokens.holder(token)
    if caller is None or Scope.READ not in caller.scopes:
        tries.failed(peer, now)
        return _page(pages, after, problem="sign_in.wrong_token", status=401)
    problem, actor = _actor(caller, named)
    if problem:
        return _page(pages, after, problem=problem, status=400)
    answer = RedirectResponse(after, 303, _NO_STORE)
    keep(answer, edge, new_session(edge, token, actor))
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, edge: TheEdge, visitor: TheVisitor) -> Response:
    """End the session in this browser."""
    await read_form(request, edge, visitor)
    answer = RedirectResponse(SIGN_IN, 303, _NO_STORE)
    drop(answer, edge)
    return answer


def local_path(wanted: str) -> str:
    """Return ``wanted`` if it is a path of this site, else ``/``; never a page whose address may hold a token."""
    if not _LOCAL.fullmatch(wanted) or wanted.startswith((SIGN_IN, "/sign-out", "/decision")):
        return "/"
    return wanted


def _tries(request: Request) -> Tries:
    tries = request.app.state.tries
    if not isinstance(tries, Tries):
        raise TypeError("the application was not made by create_app")
    return tries


def _actor(caller: Caller, named: str) -> tuple[str, str]:
    """Return the id of what is wrong with the name that somebody gave ("" = nothing), and who they are."""
    if caller.bound:
        return ("sign_in.other_person", "") if named and named.lower() != caller.actor else ("", "")
    if not named:
        return "", ""
    try:
        actor = read_actor(named)
    except BallotError:
        return "sign_in.bad_name", ""
    return ("sign_in.bad_name", "") if actor == ANONYMOUS else ("", actor)


def _page(pages: Pages, after: str, status: int = 200, problem: str = "", visitor: Any = None) -> Response:
    return pages.page("signin.html", {"after": after, "problem": problem, "visitor": visitor}, status)
