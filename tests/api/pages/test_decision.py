"""The page of a link: what it shows to whom and with which headers, and how a POST from it votes as the link's person."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.pages.rendering import Pages
from lumen.ballot import is_authentic
from lumen.names import alert_workflow_id
from tests.api.fakes import KEYS
from tests.api.pages.samples import BROWSER, DOCUMENT, FOREIGN, HOME, KEY, TALLY, Stage, stage, token

STRICT = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


def anonymous(document: dict[str, Any]) -> None:
    """Let a link that names nobody vote."""
    document["approval"]["anonymous"] = True


async def test_the_page_shows_what_would_be_decided() -> None:
    """The page of a link shows rule, target, alert, rendered actions, quorum, votes so far, expiry and for whom it is."""
    here = stage()
    async with here.client() as browser:
        page = await browser.get("/decision", params={"token": token(here.clock)})
    assert page.status_code == 200
    for shown in (
        "disk-full",
        "db-1",
        "critical",
        "nearly full",
        "up == 0",
        "/sbin/lvextend -L +10G",
        "POST https://example/hook",
        "&#34;gain&#34;: 0.8",
        "Approvals: 1 of 2",
        "Rejections: 0 of 1",
        "bob@example.com",
        "looks right",
        "2026-11-22 08:50:00 UTC",
        "This link is for alice@example.com.",
        "You decide as alice@example.com.",
        "15 more min",
        'href="https://runbooks.example/disk"',
        "sha256:shown",
    ):
        assert shown in page.text, shown
    assert "<script" not in page.text
    assert here.recorded == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
async def test_strict_headers(method: str) -> None:
    """Every answer tells caches, indexes, frames, scripts and the next site nothing, whether the link is good or not."""
    here = stage()
    async with here.client() as browser:
        for given in (token(here.clock), "forged"):
            answer = await browser.request(method, "/decision", params={"token": given})
            assert STRICT.items() <= dict(answer.headers).items(), answer.headers
            assert "access-control-allow-origin" not in answer.headers
            assert "location" not in answer.headers
        refused = await browser.post("/decision", json={"token": "forged", "decision": "approve"})
        assert STRICT.items() <= dict(refused.headers).items()


async def test_a_page_over_plain_http_can_still_be_told_from_a_foreign_one() -> None:
    """Where a browser sends no Sec-Fetch-Site, a page tells its origin and nothing of its path, so that its form counts."""
    expected = {
        "https://lumen.example": "no-referrer",
        "http://localhost:8080": "no-referrer",
        "http://127.0.0.1:8080": "no-referrer",
        "http://[::1]:8080": "no-referrer",
        "http://lumen.lan:8080": "strict-origin",
    }
    found = {url: Pages(stage(base_url=url).edge.site).headers()["Referrer-Policy"] for url in expected}
    assert found == expected


async def test_prefetching_changes_nothing() -> None:
    """A hundred GETs, HEAD and OPTIONS leave no vote; HEAD and OPTIONS do not even look at the episode."""
    here = stage()
    given = {"token": token(here.clock), "decision": "approve"}
    async with here.client() as prefetcher:
        for _ in range(100):
            assert (await prefetcher.get("/decision", params=given)).status_code == 200
        here.episodes.down = True
        head = await prefetcher.head("/decision", params=given)
        options = await prefetcher.options("/decision", params=given)
    assert (head.status_code, head.content) == (200, b"")
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert here.recorded == []


@pytest.mark.parametrize("sent", ["form", "form of a browser", "json"])
async def test_a_link_votes_as_its_person(sent: str) -> None:
    """A POST votes as the person of the link, on what the link was made for, with the link's own mark, signed by the API."""
    here = stage()
    fields = {"token": token(here.clock), "decision": "approve", "reason": "seen\r\nboth"}
    content: dict[str, Any] = {"json": fields} if sent == "json" else {"data": fields}
    headers = {"form": HOME, "form of a browser": BROWSER, "json": {}}[sent]
    async with here.client() as client:
        answer = await client.post("/decision", headers=headers, **content)
    assert answer.status_code == 200, answer.text
    ((key, ballot),) = here.episodes.voted
    assert key == KEY
    assert (ballot.actor, ballot.channel, ballot.rank, ballot.jti) == ("alice@example.com", "link", "link", "jti-1")
    assert (ballot.approval_id, ballot.digest, ballot.decision) == ("run.1.1", "sha256:shown", "approve")
    assert ballot.reason == ("seen\r\nboth" if sent == "json" else "seen\nboth")
    assert is_authentic(ballot, alert_workflow_id(KEY), KEYS)
    if sent == "json":
        assert answer.json() == TALLY
    else:
        assert "You approved." in answer.text
        assert f'href="/episodes/{KEY}"' in answer.text


async def test_a_form_may_ask_for_json() -> None:
    """A form is answered with a page unless it wants JSON; JSON is answered with JSON, whatever it wants."""
    here = stage()
    fields = {"token": token(here.clock), "decision": "approve"}
    async with here.client() as client:
        kinds = [
            (await client.post("/decision", data=fields)).headers["content-type"],
            (await client.post("/decision", data=fields, headers={"Accept": "application/json"})).headers[
                "content-type"
            ],
            (await client.post("/decision", json=fields, headers={"Accept": "text/html"})).headers["content-type"],
        ]
        refused = await client.post("/decision", data=fields | {"token": "x"}, headers={"Accept": "application/json"})
    assert kinds == ["text/html; charset=utf-8", "application/json", "application/json"]
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("headers", FOREIGN)
async def test_foreign_origin(headers: dict[str, str]) -> None:
    """What another site makes a browser send is 403 and no vote, as a form and as JSON, with a link that is good."""
    here = stage()
    fields = {"token": token(here.clock), "decision": "approve"}
    async with here.client() as client:
        for content in ({"data": fields}, {"json": fields}):
            answer = await client.post("/decision", headers=headers, **content)  # type: ignore[arg-type]  # one of two kinds
            assert answer.status_code == 403, headers
    assert here.recorded == []


async def test_a_link_for_anybody() -> None:
    """A link that names nobody asks to sign in, in a page whose address does not carry the link on; or votes as nobody."""
    here = stage()
    unbound = token(here.clock, actor="")
    async with here.client() as client:
        page = await client.get("/decision", params={"token": unbound})
        assert page.status_code == 200
        assert "<form" not in page.text
        assert 'href="/sign-in"' in page.text
    open_to_all = stage(change=anonymous)
    async with open_to_all.client() as client:
        page = await client.get("/decision", params={"token": unbound})
        assert "together count as one" in page.text
        assert (await client.post("/decision", json={"token": unbound, "decision": "approve"})).status_code == 200
    ((_, ballot),) = open_to_all.episodes.voted
    assert (ballot.actor, ballot.channel, ballot.rank) == ("anonymous", "link", "link")


async def test_korean() -> None:
    """With LUMEN_LANG=ko every page of a link speaks Korean, and says so to screen readers."""
    here = stage(lang="ko")
    good = token(here.clock)
    async with here.client() as client:
        page = await client.get("/decision", params={"token": good})
        done = await client.post("/decision", data={"token": good, "decision": "approve"}, headers=HOME)
        bad = await client.get("/decision", params={"token": "x"})
    for answer, says in ((page, "실행될 작업"), (done, "승인하셨습니다."), (bad, "유효하지 않은 링크입니다")):
        assert '<html lang="ko">' in answer.text
        assert says in answer.text


async def test_the_document_is_not_changed() -> None:
    """Showing a page leaves the document of the episode as it was."""
    here: Stage = stage()
    before = copy.deepcopy(DOCUMENT)
    async with here.client() as client:
        await client.get("/decision", params={"token": token(here.clock)})
    assert here.episodes.documents[KEY] == before
