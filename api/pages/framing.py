"""What every page of the console shares: who may open it, its frame, and problems told as a page and not as JSON."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from api.errors import EpisodeClosedError, NoWorkerError, UnknownEpisodeError, UnreachableError
from api.pages.rendering import Pages
from api.pages.visitors import Visitor, signed_in
from api.problems import Problem, problem_of, problem_response
from api.tokens import Scope
from lumen.errors import BallotError, LumenError

SAID = frozenset(
    {
        *(
            "voted",
            "recorded",
            "override",
            "override_idle",
            "cleared",
            "nothing_cleared",
            "frozen",
            "thawed",
            "thawing",
        ),
        *("already_frozen", "not_frozen", "reason_missing", "scope", "malformed", "not_allowed", "rank_too_low"),
        *("plan_changed", "closed", "expired", "unreachable", "refused"),
    }
)
"""The results of forms, each with a text ``page.said.<code>``. Nothing else of a form comes back in an address."""

GOOD = frozenset({"voted", "recorded", "override", "cleared", "frozen", "thawed"})

_WORDED = {"stale_form": "page.problem.stale_form", "foreign_origin": "page.problem.foreign_origin"}


async def _reader(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    if Scope.READ not in visitor.scopes:
        raise Problem(403, "", reason="read")
    return visitor


TheReader = Annotated[Visitor, Depends(_reader)]


class PageRoute(APIRoute):
    """A route whose problems people read: a page with the same status. A redirect stays one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of FastAPI with the problems of this project caught around it."""
        handle = super().get_route_handler()

        async def as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return _page_of(request, problem)
            except LumenError as error:
                return _page_of(request, problem_of(error))
            except RequestValidationError:
                return _page_of(request, Problem(400, "", reason="form"))

        return as_page


def _page_of(request: Request, problem: Problem) -> Response:
    if problem.status < 400:
        return problem_response(problem)
    pages = request.app.state.pages
    if not isinstance(pages, Pages):
        raise TypeError("the application was not made by create_app")
    worded = {
        **_WORDED,
        "read": "page.problem.read",
        "form": "page.problem.form",
        UnknownEpisodeError.reason: "page.problem.missing",
        UnreachableError.reason: "page.unreachable",
    }
    values = {"text_id": worded.get(problem.reason, ""), "detail": problem.detail, "status": problem.status}
    answer = pages.page("problem.html", values, problem.status)
    answer.headers.update(problem.headers)
    return answer


def frame(request: Request, visitor: Visitor, here: str, *, refresh: int = 0) -> dict[str, Any]:
    """Return what the frame of a page needs.

    ``here`` is the entry of the menu. Without JavaScript the page loads itself again after ``refresh`` seconds (0 = never).
    """
    said = request.query_params.get("said", "")
    query = "&".join(one for one in request.url.query.split("&") if one and not one.startswith("said="))
    return {
        "visitor": visitor,
        "here": here,
        "said": said if said in SAID else "",
        "good": said in GOOD,
        "refresh": refresh,
        "address": request.url.path + (f"?{query}" if query else ""),
    }


def back_to(path: str, said: str) -> Response:
    """Return the answer to a form: back to a page, which says how it went."""
    return RedirectResponse(f"{path}?said={said}", 303, {"Cache-Control": "no-store"})


def refusal(error: LumenError) -> str:
    """Return which of :data:`SAID` tells of ``error``."""
    if isinstance(error, BallotError):
        return error.reason if error.reason in SAID else "refused"
    if isinstance(error, EpisodeClosedError):
        return "closed"
    return "unreachable" if isinstance(error, UnreachableError | NoWorkerError) else "refused"


def why_no_override(visitor: Visitor) -> str:
    """Return the id of the text that says why ``visitor`` may not override, freeze or clear; "" = may."""
    if Scope.OVERRIDE not in visitor.scopes:
        return "page.scope.override"
    return "" if visitor.actor else "page.scope.nobody"


def reason_in(fields: Mapping[str, str]) -> str:
    """Return the reason that a form gives, without the spaces around it."""
    return fields.get("reason", "").strip()
