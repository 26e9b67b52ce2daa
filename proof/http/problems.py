"""The one map from errors to HTTP answers: ``application/problem+json`` of RFC 9457, never a 5xx for bad input."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from proof.errors import (
    BrokenChainError,
    IdemConflictError,
    MalformedJsonError,
    ProfileError,
    ProofError,
    ReservedError,
    UnavailableError,
)

_log = logging.getLogger(__name__)
_STATUS: dict[type[ProofError], int] = {
    MalformedJsonError: 400,
    ProfileError: 422,
    ReservedError: 400,
    IdemConflictError: 409,
    BrokenChainError: 503,
    UnavailableError: 503,
}


def problem(status: int, detail: str, kind: str = "about:blank", **more: Any) -> JSONResponse:
    """Return a problem answer ``{type, title, status, detail}`` with further members; ``detail`` must hold no secrets."""
    body = {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def status_of(error: ProofError) -> int:
    """Return the HTTP status of an error of the ledger."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error as a problem."""
    app.add_exception_handler(ProofError, _on_proof_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)


async def _on_proof_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ProofError):
        raise error
    more = {"seq": error.seq} if isinstance(error, IdemConflictError) else {}
    return problem(status_of(error), str(error), f"urn:lumen:problem:{error.reason}", **more)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = problem(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _on_bug(_request: Request, _error: Exception) -> Response:
    return problem(500, "the ledger has a bug here: its log has the details")  # the server logs the traceback itself
