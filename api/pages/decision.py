"""The decision page: whoever holds a link sees what is asked, and decides by sending a form. Looking at it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from api.ballots import Choice, Voice, cast_vote
from api.body import OTHER_BYTES, parse_object, read_body
from api.edge import Edge, TheEdge
from api.errors import UnknownEpisodeError
from api.pages.asked import asked, link_in, speaker
from api.pages.forms import claims_origin, media_type, read_urlencoded, require_form_token, require_same_origin
from api.pages.rendering import Pages, ThePages
from api.pages.visitors import Visitor, visitor_of
from api.problems import Json, Problem, problem_of, problem_response
from lumen.ballot import Decision
from lumen.errors import BallotError, LumenError
from lumen.links import ANONYMOUS, Link

router = APIRouter()

REASON_LIMIT = 2000
_PATH = "/decision"
_FIELDS = ("token", "decision", "reason", "form_token")
_KNOWN = frozenset(
    {"forged", "expired", "closed", "used", "plan_changed", "not_allowed", "rank_too_low", "temporal_unreachable"}
    | {"foreign_origin", "stale_form", "malformed"}
)


@dataclass(frozen=True)
class _Paper:
    """What somebody sent: the fields of a form, or of a JSON object."""

    fields: Mapping[str, object]
    is_form: bool


@router.get(_PATH)
async def show(request: Request, edge: TheEdge, pages: ThePages) -> Response:
    """Show what is asked, to the holder of the link in ``token``. Changes nothing, whoever fetches it and how often."""
    try:
        token = request.query_params.getlist("token")
        return await _request_page(request, edge, pages, link_in(token, edge), token[0])
    except (Problem, LumenError) as error:
        return _problem_page(pages, _problem(error))


@router.head(_PATH)
async def head(pages: ThePages) -> Response:
    """Answer whoever only asks whether there is a page; no link is looked at."""
    return Response(None, 200, pages.headers(), "text/html; charset=utf-8")


@router.options(_PATH, include_in_schema=False)
async def options(pages: ThePages) -> Response:
    """Name the methods, and allow no other site any of them."""
    return Response(None, 204, {**pages.headers(), "Allow": "GET, HEAD, OPTIONS, POST"})


@router.post(_PATH)
async def decide(request: Request, edge: TheEdge, pages: ThePages) -> Response:
    """Decide ``{token, decision, reason}``. A form is answered with a page, JSON with JSON."""
    as_page = media_type(request) != "application/json" and "application/json" not in request.headers.get("accept", "")
    fields: Mapping[str, object] = {}
    try:
        paper = await _read(request, edge)
        fields = paper.fields
        link, status, content = await _cast(request, edge, paper)
    except (Problem, LumenError) as error:
        problem = _problem(error)
        if as_page:
            return _problem_page(pages, problem, fields)
        problem.headers.update(pages.headers())
        return problem_response(problem)
    if not as_page:
        return Json(content, status, pages.headers())
    return pages.page("decided.html", {"key": link.key, "tally": content, "recorded": status == 202}, status)


async def _read(request: Request, edge: Edge) -> _Paper:
    """Return what was sent; raises :class:`Problem` if a page of another site did, or it cannot be read."""
    # A program says nothing about where it comes from. Every browser does, and no page can keep it from that.
    if claims_origin(request):
        require_same_origin(request, edge.site)
    if media_type(request) == "application/json":
        return _Paper(parse_object(await read_body(request, OTHER_BYTES, edge.body_seconds)), is_form=False)
    return _Paper(await read_urlencoded(request, edge), is_form=True)


async def _cast(request: Request, edge: Edge, paper: _Paper) -> tuple[Link, int, dict[str, Any]]:
    # Only the body counts: what stands in an address is kept and passed on by too many.
    link = link_in([paper.fields.get("token")], edge)
    decision, reason = _choice(paper)
    visitor = await _visitor(request, edge, paper)
    actor, rank = speaker(edge, link, visitor)
    voice = Voice(actor or ANONYMOUS, "link", rank, jti=link.jti)
    try:
        status, content = await cast_vote(
            edge, link.key, Choice(decision, reason, link.approval_id, link.digest), voice
        )
    except UnknownEpisodeError:
        raise BallotError("closed", "the episode that this link was made for is over") from None
    return link, status, content


def _choice(paper: _Paper) -> tuple[str, str]:
    decision, reason = paper.fields.get("decision"), paper.fields.get("reason", "")
    if not isinstance(decision, str) or decision not in [str(item) for item in Decision]:
        raise BallotError("malformed", '"decision" must be one of approve, reject')
    if not isinstance(reason, str) or len(reason) > REASON_LIMIT:
        raise BallotError("malformed", f'"reason" must be a text of at most {REASON_LIMIT} characters')
    if paper.is_form and decision == Decision.REJECT and not reason.strip():
        raise BallotError("malformed", "say why you reject it: go back and fill in the reason")
    return decision, reason.strip()


async def _visitor(request: Request, edge: Edge, paper: _Paper) -> Visitor | None:
    """Return who the page was made for, if it was made for somebody who is signed in.

    Without the form token of that page nobody is: the browser of a person who is signed in must not speak for them
    because another page made it send a link.
    """
    given = paper.fields.get("form_token")
    if not paper.is_form or not given:
        return None
    require_same_origin(request, edge.site)
    visitor = await visitor_of(request, edge)
    if visitor is None:
        raise Problem(403, "the session of this page has ended: load it again", reason="stale_form")
    require_form_token(edge, str(given), visitor.form_token)
    return visitor


async def _request_page(request: Request, edge: Edge, pages: Pages, link: Link, token: str) -> Response:
    document = await asked(edge, link)
    visitor = await visitor_of(request, edge)
    actor, _ = speaker(edge, link, visitor)
    anonymous = bool((document.get("approval") or {}).get("anonymous"))
    values = {
        "doc": document,
        "link": link,
        "token": token,
        "visitor": visitor,
        "actor": actor,
        "may_decide": bool(actor) or anonymous,
        "minutes_left": max(1, int((link.expires - edge.now().timestamp()) // 60)),
        "reason_limit": REASON_LIMIT,
    }
    return pages.page("decision.html", values)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if not isinstance(error, LumenError):
        raise error
    return problem_of(error)


def _problem_page(pages: Pages, problem: Problem, fields: Mapping[str, object] | None = None) -> Response:
    # What was not recorded for want of Temporal can be sent again as it was, with one press.
    again = {name: value for name, value in (fields or {}).items() if name in _FIELDS and isinstance(value, str)}
    values = {
        "reason": problem.reason if problem.reason in _KNOWN else "other",
        "detail": problem.detail,
        "again": again if problem.status == 503 else {},
    }
    answer = pages.page("decision_problem.html", values, problem.status)
    answer.headers.update(problem.headers)
    return answer
