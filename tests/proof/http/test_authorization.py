"""Every route of proofd against every credential: who is let in, who is not, and that nothing of theirs is kept."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry

from proof.http.service import create_app
from tests.proof.samples import signed_ledger
from tests.proof.serving import OLD_TOKEN, TOKEN, payload

_BASIC = base64.b64encode(f"any:{TOKEN}".encode()).decode()
CREDENTIALS: dict[str, list[tuple[str, str]]] = {
    "none": [],
    "empty": [("Authorization", "Bearer ")],
    "bare": [("Authorization", "Bearer")],
    "wrong": [("Authorization", "Bearer a-token-of-the-api")],
    "longer": [("Authorization", f"Bearer {TOKEN}x")],
    "shorter": [("Authorization", f"Bearer {TOKEN[:-1]}")],
    "two in one": [("Authorization", f"Bearer {TOKEN},{OLD_TOKEN}")],
    "basic": [("Authorization", f"Basic {_BASIC}")],
    "no scheme": [("Authorization", TOKEN)],
    "cookie": [("Cookie", f"token={TOKEN}; Authorization=Bearer {TOKEN}")],
    "other header": [("X-Authorization", f"Bearer {TOKEN}"), ("Proxy-Authorization", f"Bearer {TOKEN}")],
    "wrong, then right": [("Authorization", "Bearer x"), ("Authorization", f"Bearer {TOKEN}")],
    "right, then wrong": [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")],
    "right": [("Authorization", f"Bearer {TOKEN}")],
    "right, other case": [("authorization", f"bearer {TOKEN}")],
    "older of the list": [("Authorization", f"Bearer {OLD_TOKEN}")],
}
GOOD = {"right", "right, other case", "older of the list"}


@dataclass(frozen=True)
class Route:
    """A request that is right in all but its credential, and the status of its answer when it is let in."""

    guarded: bool
    path: str
    ok: int = 200
    json: Any = None


ROUTES: dict[str, Route] = {
    "GET /head": Route(False, "/head"),
    "GET /stats": Route(False, "/stats"),
    "GET /healthz": Route(False, "/healthz"),
    "GET /metrics": Route(False, "/metrics"),
    "GET /vkey": Route(False, "/vkey"),
    "GET /checkpoint": Route(False, "/checkpoint"),
    "GET /proof/inclusion": Route(False, "/proof/inclusion?seq=0&size=1"),
    "GET /proof/consistency": Route(False, "/proof/consistency?from=1&to=1"),
    "POST /append": Route(True, "/append", json=payload("b")),
    "POST /verify": Route(True, "/verify"),
    "GET /entries/{seq}": Route(True, "/entries/0"),
    "GET /entries": Route(True, "/entries?idem=a"),
    "GET /export/head": Route(True, "/export/head"),
    "GET /export/entries": Route(True, "/export/entries?from=0&to=1"),
    "GET /export/checkpoints": Route(True, "/export/checkpoints"),
}


@pytest.mark.parametrize("way", sorted(CREDENTIALS))
async def test_who_is_let_in(way: str, tmp_path: Path) -> None:
    """Each route of the application, and no other, answers as the table says; who is refused appends nothing."""
    with signed_ledger(tmp_path / "proof.db") as ledger:
        app = create_app(ledger, (TOKEN, OLD_TOKEN), CollectorRegistry())
        served = {
            f"{method} {route.path}"
            for route in iter_route_contexts(app.routes)
            for method in getattr(route, "methods", None) or {type(route.original_route).__name__}
        }
        assert served == set(ROUTES), "give each route its row here"
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://proofd") as client:
            first = await client.post("/append", json=payload("a"), headers={"Authorization": f"Bearer {TOKEN}"})
            assert first.status_code == 200
            found, expected = {}, {}
            for name, route in ROUTES.items():
                method = name.partition(" ")[0]
                answer = await client.request(method, route.path, json=route.json, headers=CREDENTIALS[way])
                found[name] = answer.status_code
                expected[name] = route.ok if way in GOOD or not route.guarded else 401
                assert TOKEN not in answer.text
            assert found == expected
        assert ledger.store.head.height == (2 if way in GOOD else 1)


def test_no_token_no_service(tmp_path: Path) -> None:
    """Without a token, or with an empty one among them, proofd does not start: nothing is open by accident."""
    with signed_ledger(tmp_path / "proof.db") as ledger:
        for tokens in ((), ("",), (TOKEN, "")):
            with pytest.raises(ValueError, match="PROOFD_TOKEN"):
                create_app(ledger, tokens, CollectorRegistry())
