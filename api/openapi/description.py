"""The OpenAPI document of an application of the API."""

from __future__ import annotations

import warnings
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.openapi.operations import OPERATIONS
from api.openapi.schemas import SCHEMAS
from lumen.openapi import Description, document

_TOLD = Description(
    "Lumen",
    "Alerts come in, people decide, remedies run, and a ledger proves it",
    OPERATIONS,
    SCHEMAS,
    {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic", "description": "Any user, the token as password"},
        "session": {"type": "apiKey", "in": "cookie", "name": "lumen"},
        "slack": {"type": "apiKey", "in": "header", "name": "X-Slack-Signature"},
    },
)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document of ``app``; raises ``KeyError`` for a route that nobody described."""
    with warnings.catch_warnings():
        # GET and HEAD of one route share the id that the framework gives; the document has ids of its own.
        warnings.simplefilter("ignore")
        served = get_openapi(title=app.title, version="1", routes=app.routes)["paths"]
    return document(_TOLD, served)
