"""The OpenAPI documents of the applications as they are served."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from api.app import create_app
from proof.http.service import create_app as create_proofd
from tests.api.fakes import FakeEpisodes, RecordingSink, make_edge
from tests.proof.samples import signed_ledger


def api_document() -> dict[str, Any]:
    """Return the document of the API."""
    return create_app(make_edge(RecordingSink(), FakeEpisodes())).openapi()


def proofd_document() -> dict[str, Any]:
    """Return the document of proofd, whose application wants an open ledger."""
    with tempfile.TemporaryDirectory() as folder, signed_ledger(Path(folder) / "proof.db") as ledger:
        return create_proofd(ledger, ("a-token",), CollectorRegistry()).openapi()
