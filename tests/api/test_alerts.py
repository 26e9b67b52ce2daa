from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import NoWorkerError
from api.paging import seal, unseal
from api.ports import Filters, Page
from tests.api.conftest import client_of
from tests.api.fakes import (
    ALICE_TOKEN,
    KEYS,
    READ_TOKEN,
    WEBHOOK_TOKEN,
    FakeEpisodes,
    RecordingSink,
    make_edge,
    open_description,
)

READ = {"Authorization": f"Bearer {READ_TOKEN}"}
KEY = "alertmanager-0aa043e5d176c819"
DOCUMENT: dict[str, Any] = {
    "key": KEY,
    "labels": {"alertname": "디스크"},
    "annotations": {"summary": "full"},
    "starts_at": "2026-11-22T07:00:29.632Z",
    "status": "firing",
    "state": "awaiting_approval",
}


@pytest.mark.parametrize("path", ["/alerts", f"/alerts/{KEY}", f"/get?key={KEY}"])
@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("wrong", 401), (WEBHOOK_TOKEN, 403), (READ_TOKEN, 200), (ALICE_TOKEN, 200)]
)
async def test_who_may_read(
    http: httpx.AsyncClient, episodes: FakeEpisodes, path: str, token: str | None, status: int
) -> None:
    """Reading needs a token that may read; one for sending alerts is not."""
    episodes.documents[KEY] = DOCUMENT
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await http.get(path, headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_list(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """The list gives the rows of one page and a token for the next, which leads there."""
    rows = [open_description(KEY).row]
    episodes.pages = {b"": Page(rows, b'{"RunID":"x"}'), b'{"RunID":"x"}': Page([])}
    first = (await http.get("/alerts?state=executing&outcome=failed&rule=r&limit=1", headers=READ)).json()
    assert first["alerts"] == rows
    second = (await http.get("/alerts", params={"after": first["next"]}, headers=READ)).json()
    assert second == {"alerts": [], "next": None}
    assert episodes.asked == [
        (Filters("executing", "failed", "r"), 1, b""),
        (Filters(), 50, b'{"RunID":"x"}'),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "state=open",
        "state=EXECUTING",
        "state=executing'%20OR%201=1",
        "outcome=ok",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "limit=" + "9" * 5000,
        "after=x",
        "after=%00",
        "after=" + base64.urlsafe_b64encode(b"0" * 16 + b'{"RunID":"x"}').decode().rstrip("="),
        "after=" + "A" * 5000,
        "rule=%00",
        "rule=" + "r" * 1001,
    ],
)
async def test_bad_parameters(http: httpx.AsyncClient, episodes: FakeEpisodes, query: str) -> None:
    """A parameter that cannot be used is a 400 and never reaches Temporal."""
    answer = await http.get(f"/alerts?{query}", headers=READ)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert episodes.asked == []


async def test_empty_parameters(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """A parameter without a value does not filter."""
    assert (await http.get("/alerts?state=&outcome=&rule=&after=", headers=READ)).status_code == 200
    assert episodes.asked == [(Filters(), 50, b"")]


def test_page_tokens() -> None:
    """A page token is url-safe, leads back to what it was made of, and works while keys are rotated."""
    for raw in (b"x", b'{"CloseTime":"9999"}', bytes(range(256))):
        sealed = seal(raw, KEYS)
        assert sealed is not None
        assert sealed.replace("-", "").replace("_", "").isalnum()
        assert unseal(sealed, {"k3": "a newer bridge secret", **KEYS}) == raw


async def test_show(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """One episode is the workflow's own document, as it is."""
    episodes.documents[KEY] = DOCUMENT
    answer = await http.get(f"/alerts/{KEY}", headers=READ)
    assert answer.json() == DOCUMENT
    assert "디스크".encode() in answer.content


async def test_show_odd_text(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """A document with text that UTF-8 cannot hold is still an answer."""
    episodes.documents[KEY] = {"reason": "half \udc00"}
    assert (await http.get(f"/alerts/{KEY}", headers=READ)).json() == {"reason": "half \udc00"}


async def test_show_stale(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """Without a worker the answer is what Temporal knows, marked stale, without a status that nobody can know."""
    episodes.documents[KEY] = NoWorkerError("none")
    episodes.described[KEY] = open_description(KEY)
    answer = (await http.get(f"/alerts/{KEY}", headers=READ)).json()
    assert answer["stale"] is True
    assert answer["state"] == "awaiting_approval"
    assert answer["labels"] == {"alertname": "DiskFull"}
    assert answer["run_id"] == "run-1"
    assert "status" not in answer


@pytest.mark.parametrize("path", [f"/alerts/{KEY}", f"/get?key={KEY}"])
async def test_unknown(http: httpx.AsyncClient, episodes: FakeEpisodes, path: str) -> None:
    """An episode that does not exist is a 404, with and without a worker."""
    assert (await http.get(path, headers=READ)).status_code == 404
    episodes.documents[KEY] = NoWorkerError("none")
    assert (await http.get(path, headers=READ)).status_code == 404


@pytest.mark.parametrize("key", ["a%20b", "a%00b", "%27%20OR%201=1", "x" * 201, "%E2%98%83", "a%0Ab", "a:b"])
async def test_bad_key(http: httpx.AsyncClient, key: str) -> None:
    """A key that no episode can have is a 400."""
    for path in (f"/alerts/{key}", f"/get?key={key}"):
        assert (await http.get(path, headers=READ)).status_code == 400


async def test_get(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """GET /get gives the alert back in the form in which it was put."""
    episodes.documents[KEY] = DOCUMENT
    assert (await http.get(f"/get?key={KEY}", headers=READ)).json() == {
        "key": KEY,
        "labels": {"alertname": "디스크"},
        "annotations": {"summary": "full"},
        "startsAt": "2026-11-22T07:00:29.632Z",
        "status": "firing",
    }
    assert (await http.get("/get", headers=READ)).status_code == 400


@pytest.mark.parametrize("path", ["/alerts", f"/alerts/{KEY}", f"/get?key={KEY}"])
async def test_temporal_down(http: httpx.AsyncClient, episodes: FakeEpisodes, path: str) -> None:
    """Temporal unreachable is a 503 with Retry-After."""
    episodes.down = True
    answer = await http.get(path, headers=READ)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_health(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """Alive does not depend on Temporal, ready does; neither needs a token."""
    for down, expected in ((False, 200), (True, 503)):
        episodes.down = down
        for path in ("/healthz", "/-/healthy"):
            assert (await http.get(path)).status_code == 200
            assert (await http.head(path)).status_code == 200
        for path in ("/readyz", "/-/ready"):
            assert (await http.get(path)).status_code == expected


async def test_no_bridge_between_modes(sink: RecordingSink, episodes: FakeEpisodes) -> None:
    """A webhook token may not read in embedded mode either."""
    async with client_of(create_app(make_edge(sink, episodes, embedded=True))) as http:
        answer = await http.get("/alerts", headers={"Authorization": f"Bearer {WEBHOOK_TOKEN}"})
    assert answer.status_code == 403
