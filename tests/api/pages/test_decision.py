from __future__ import annotations

import copy
from typing import Any

import pytest

from api.errors import EpisodeClosedError, NoWorkerError
from api.pages.rendering import Pages
from lumen.ballot import is_authentic
from lumen.errors import BallotError
from lumen.names import alert_workflow_id
from tests.api.fakes import KEYS, open_description
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


async def test_the_token_must_be_in_the_body() -> None:
    """A token in the address decides nothing, however else the POST looks."""
    here = stage()
    good = token(here.clock)
    async with here.client() as client:
        for fields in ({"decision": "approve"}, {"decision": "approve", "token": ""}):
            answer = await client.post("/decision", params={"token": good}, data=fields, headers=HOME)
            assert answer.status_code == 403
        for body in (
            {"decision": "approve"},
            {"decision": "approve", "token": [good]},
            {"decision": "approve", "token": 5},
        ):
            answer = await client.post("/decision", params={"token": good}, json=body)
            assert answer.status_code == 403
        twice = await client.get("/decision", params=[("token", good), ("token", good)])
        assert twice.status_code == 403
    assert here.recorded == []


async def test_expired() -> None:
    """An expired link is 410, to look at and to decide with, and says how to get a new one."""
    here = stage()
    good = token(here.clock)
    here.clock.forward(900)
    async with here.client() as client:
        seen = await client.get("/decision", params={"token": good})
        sent = await client.post("/decision", json={"token": good, "decision": "approve"})
        form = await client.post("/decision", data={"token": good, "decision": "approve"}, headers=HOME)
    assert (seen.status_code, sent.status_code, form.status_code) == (410, 410, 410)
    assert sent.json()["type"] == "urn:lumen:problem:expired"
    assert "lumen link" in seen.text
    assert "lumen link" in form.text
    assert here.recorded == []


@pytest.mark.parametrize(
    ("refusal", "status", "says"),
    [
        (BallotError("used", "Link already used"), 409, "Link already used"),
        (BallotError("plan_changed", "the plan changed"), 409, "The plan has changed"),
        (BallotError("not_allowed", "eve may not vote"), 403, "eve may not vote"),
        (BallotError("rank_too_low", "this wants slack"), 403, "this wants slack"),
        (BallotError("closed", "closed"), 410, "a new message brings a new link"),
        (EpisodeClosedError("this episode is over"), 410, "a new message brings a new link"),
    ],
)
async def test_refusals_of_the_episode(refusal: Exception, status: int, says: str) -> None:
    """Each refusal of the episode is its own status, as a problem to a program and in plain words to a person."""
    here = stage()
    here.episodes.tally = refusal
    fields = {"token": token(here.clock), "decision": "approve"}
    async with here.client() as client:
        problem = await client.post("/decision", json=fields)
        page = await client.post("/decision", data=fields, headers=HOME)
    assert (problem.status_code, page.status_code) == (status, status)
    assert problem.json()["status"] == status
    assert says in page.text
    if status == 409:
        assert problem.json()["detail"] == str(refusal)


def closed(document: dict[str, Any]) -> None:
    """Nothing is asked any more."""
    document.update(state="executing", approval=None)


def asked_anew(document: dict[str, Any]) -> None:
    """A later request stands."""
    document["approval"]["id"] = "run.2.1"


def other_plan(document: dict[str, Any]) -> None:
    """The same request is about another plan."""
    document["plan"]["digest"] = "sha256:other"


@pytest.mark.parametrize(("change", "status"), [(closed, 410), (asked_anew, 410), (other_plan, 409)])
async def test_an_old_link_shows_no_form(change: Any, status: int) -> None:
    """A link whose request is over, was replaced or has another plan says so, and offers nothing to press."""
    here = stage(change=change)
    async with here.client() as client:
        page = await client.get("/decision", params={"token": token(here.clock)})
    assert page.status_code == status
    assert "<form" not in page.text


async def test_an_episode_that_is_gone() -> None:
    """A link whose episode Temporal has forgotten is closed, not unknown."""
    here = stage()
    here.episodes.documents.clear()
    async with here.client() as client:
        assert (await client.get("/decision", params={"token": token(here.clock)})).status_code == 410


async def test_no_worker() -> None:
    """Without a worker the page says that it cannot show everything, and a vote is kept and answered with 202."""
    here = stage()
    here.episodes.documents[KEY] = NoWorkerError("no worker")
    here.episodes.described[KEY] = open_description(KEY)
    here.episodes.tally = NoWorkerError("no worker")
    fields = {"token": token(here.clock), "decision": "reject", "reason": "not now"}
    async with here.client() as client:
        page = await client.get("/decision", params={"token": fields["token"]})
        form = await client.post("/decision", data=fields, headers=HOME)
        program = await client.post("/decision", json=fields)
    assert page.status_code == 200
    assert "No worker answers now" in page.text
    assert 'value="reject"' in page.text
    assert (form.status_code, program.status_code) == (202, 202)
    assert "You rejected." in form.text
    assert "Nobody has counted it yet" in form.text
    assert [(signal, ballot.decision) for _, signal, ballot in here.episodes.sent] == [("vote", "reject")] * 2
    here.episodes.described[KEY] = open_description(KEY, "closed", is_open=False)
    async with here.client() as client:
        assert (await client.get("/decision", params={"token": fields["token"]})).status_code == 410


async def test_temporal_down() -> None:
    """While Temporal is away the answer is 503, and the page can send the same vote again with one press."""
    here = stage()
    here.episodes.down = True
    fields = {"token": token(here.clock), "decision": "reject", "reason": 'no "way"', "other": "field"}
    async with here.client() as client:
        form = await client.post("/decision", data=fields, headers=HOME)
        program = await client.post("/decision", json=fields)
        page = await client.get("/decision", params={"token": fields["token"]})
    assert (form.status_code, program.status_code, page.status_code) == (503, 503, 503)
    assert form.headers["retry-after"]
    assert 'name="reason" value="no &#34;way&#34;"' in form.text
    assert 'name="other"' not in form.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"decision": ""},
        {"decision": "maybe"},
        {"decision": "retry"},
        {"decision": "reject"},
        {"decision": "reject", "reason": " \r\n"},
        {"decision": "approve", "reason": "x" * 2001},
        {"decision": "approve", "reason": "a\x00b"},
    ],
)
async def test_what_cannot_be_recorded(fields: dict[str, str]) -> None:
    """No decision, another word, a rejection without a reason, a reason that is too long: 400, with what is wanted."""
    here = stage()
    async with here.client() as client:
        answer = await client.post("/decision", data={"token": token(here.clock), **fields}, headers=HOME)
    assert answer.status_code == 400
    assert here.recorded == []


async def test_the_longest_reason() -> None:
    """2000 characters are taken as a browser counts them, an end of line as one, whatever the language."""
    here = stage()
    fields = {"token": token(here.clock), "decision": "reject", "reason": "가\n" * 999 + "나나"}
    async with here.client() as client:
        sent = fields | {"reason": fields["reason"].replace("\n", "\r\n")}
        assert (await client.post("/decision", data=sent, headers=HOME)).status_code == 200
    ((_, ballot),) = here.episodes.voted
    assert ballot.reason == fields["reason"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"[]", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"token=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"token=\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"a=1&a=2", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"a=1&" * 100, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b'{"token":"x"}', "headers": {"Content-Type": "text/plain"}}, 415),
        ({"files": {"token": b"x"}}, 415),
        ({"content": b"x" * (1024 * 1024 + 1), "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
async def test_junk(content: dict[str, Any], status: int) -> None:
    """A body that cannot be read is a client's mistake, said in a page or a problem, never a 5xx."""
    here = stage()
    async with here.client() as client:
        assert (await client.post("/decision", **content)).status_code == status


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
