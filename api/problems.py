"""The one place where an error becomes an HTTP answer: ``application/problem+json`` as in RFC 9457."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.errors import (
    EpisodeClosedError,
    NoWorkerError,
    OtherCommandError,
    ParameterError,
    PayloadError,
    UnknownEpisodeError,
    UnreachableError,
)
from lumen.errors import (
    AlertError,
    BallotError,
    IncompleteRequestError,
    LumenError,
    OtherRuleError,
    UnknownRuleError,
)

RETRY_AFTER_SECONDS = 5

_STATUS: dict[type[LumenError], int] = {
    PayloadError: 400,
    ParameterError: 400,
    AlertError: 400,
    UnknownEpisodeError: 404,
    EpisodeClosedError: 410,
    NoWorkerError: 503,
    UnreachableError: 503,
    UnknownRuleError: 404,
    IncompleteRequestError: 422,
    OtherRuleError: 409,
    OtherCommandError: 409,
}

BALLOT_STATUS = {
    "malformed": 400,
    "not_allowed": 403,
    "rank_too_low": 403,
    "forged": 403,
    "plan_changed": 409,
    "used": 409,
    "too_many": 409,
    "closed": 410,
    "expired": 410,
}
"""HTTP status of each reason of ``BallotError``."""


class Json(JSONResponse):
    """A JSON answer that cannot fail on text: half a surrogate pair is written as the escape that JSON has for it."""

    def render(self, content: Any) -> bytes:
        """Return ``content`` as UTF-8 JSON."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )


class Problem(Exception):  # noqa: N818 - a problem is what RFC 9457 calls it
    """An HTTP answer that ends the request: ``status``, ``detail`` for the person who reads it, extra ``headers``."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, reason: str = "") -> None:
        """Keep what the answer will say."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.reason = reason


def problem_response(problem: Problem) -> Response:
    """Return ``problem`` as a response; ``type`` is ``about:blank`` unless the problem has a reason of its own.

    A redirect to where somebody signs in is no error, so it has no body that says so.
    """
    if problem.status < 400:
        return Response(None, problem.status, problem.headers)
    body = {
        "type": f"urn:lumen:problem:{problem.reason}" if problem.reason else "about:blank",
        "title": http.HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    return Json(body, problem.status, problem.headers, media_type="application/problem+json")


def problem_of(error: LumenError) -> Problem:
    """Return the problem that tells the client about ``error``; an error that has no status of its own is a 500."""
    if isinstance(error, BallotError):
        return Problem(BALLOT_STATUS.get(error.reason, 400), str(error), reason=error.reason)
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    # Never 429: Alertmanager repeats a request after 5xx only.
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return Problem(status, str(error), headers, error.reason)


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""
    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(LumenError)(_on_lumen_error)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(RequestValidationError)(_on_validation_error)
    app.exception_handler(Exception)(_on_bug)


async def _on_problem(_request: Request, problem: Problem) -> Response:
    return problem_response(problem)


async def _on_lumen_error(_request: Request, error: LumenError) -> Response:
    return problem_response(problem_of(error))


async def _on_http_exception(_request: Request, error: HTTPException) -> Response:
    details = {404: "there is nothing at this path", 405: "this path does not take this method"}
    detail = details.get(error.status_code, str(error.detail))
    return problem_response(Problem(error.status_code, detail, error.headers))


async def _on_validation_error(_request: Request, error: RequestValidationError) -> Response:
    # The value itself is left out: it may be a token that was put into the wrong place.
    findings = [f"{finding['loc'][-1]}: {finding['msg']}" for finding in error.errors()]
    return problem_response(Problem(400, "; ".join(findings)))


async def _on_bug(_request: Request, _error: Exception) -> Response:
    return problem_response(Problem(500, "Lumen failed on this request; its log says why"))
