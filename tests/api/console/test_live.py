"""The part of a page that changes, asked for by the script; files that pages use; headers."""

from __future__ import annotations

import re

import pytest

from api.ports import Page
from tests.api.console.samples import console, row, token_may_vote
from tests.api.pages.samples import KEY

PATHS = ("/", "/episodes", "/guards", f"/episodes/{KEY}")
PART = {"Lumen-Part": "main"}


@pytest.mark.parametrize("path", PATHS)
async def test_the_part_is_sent_only_when_it_has_changed(path: str) -> None:
    """The part has a tag; who has it already gets 304 without content, until something is different."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        first = await browser.get(path, headers=PART)
        assert first.status_code == 200
        assert first.text.lstrip().startswith('<div id="live"')
        here.stage.clock.forward(2)
        same = await browser.get(path, headers={**PART, "If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        here.switch.stands = {"frozen": True, "actor": "a", "reason": "b", "since": "c"}
        here.stage.clock.forward(2)
        browser._transport.app.state.overview.freeze.forget()  # type: ignore[attr-defined]  # the application in this process
        other = await browser.get(path, headers={**PART, "If-None-Match": first.headers["etag"]})
        assert other.status_code == 200
        assert other.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("path", PATHS)
async def test_the_part_is_the_part_of_the_page(path: str) -> None:
    """What the script puts in is, letter for letter, what the page would have been."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        part, page = (await browser.get(path, headers=PART)).text, (await browser.get(path)).text
    assert part.strip() in page


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_but_our_own_script_may_run(path: str) -> None:
    """The policy names our own files only; nothing stands inline; no page is stored, framed or indexed."""
    async with console().visited() as browser:
        answer = await browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="/static/live.js" defer>']
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.text)


async def test_without_javascript_a_page_reloads_only_where_nobody_types() -> None:
    """Lists load themselves again; a page with a form of a decision does not, and never says a result twice."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        assert '<meta http-equiv="refresh" content="30; url=/">' in (await browser.get("/?said=voted")).text
        assert "http-equiv" not in (await browser.get(f"/episodes/{KEY}")).text
        assert "http-equiv" not in (await browser.get("/guards")).text
        here.stage.episodes.documents[KEY] = {"state": "closed", "open": False, "run_status": "completed"}
        assert 'content="10;' in (await browser.get(f"/episodes/{KEY}")).text
        query = "rule=%22%3E%3Cscript%3E&said=voted"
        page = (await browser.get(f"/episodes?{query}")).text
    assert "url=/episodes?rule=%22%3E%3Cscript%3E" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("name", "kind"), [("lumen.css", "text/css"), ("live.js", "text/javascript"), ("lumen.svg", "image/svg+xml")]
)
async def test_files_are_open_and_cheap(name: str, kind: str) -> None:
    """Stylesheet, script and icon need no sign-in and are sent once."""
    here = console()
    async with here.stage.client() as browser:
        answer = await browser.get(f"/static/{name}")
        assert answer.headers["content-type"].startswith(kind)
        again = await browser.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert len(answer.content) < 12_000


@pytest.mark.parametrize(
    "name", ["nothing.css", "..%2Frendering.py", "%2e%2e/rendering.py", ".", "lumen.css%00", "rendering.py"]
)
async def test_no_other_file_is_served(name: str) -> None:
    """A name that is not that of a file of ours is 404, wherever it points."""
    async with console().stage.client() as browser:
        assert (await browser.get(f"/static/{name}")).status_code in {404, 405}


async def test_what_is_announced_is_the_state() -> None:
    """The line for screen readers names how many requests wait, and an episode's state with its tally."""
    here = console(change=token_may_vote)
    here.stage.episodes.pages = {b"": Page([row("a"), row("b")])}
    async with here.visited() as browser:
        assert 'data-announce="2 waiting for you"' in (await browser.get("/")).text
        page = (await browser.get(f"/episodes/{KEY}")).text
    assert 'data-announce="DiskFull: Approval needed, 1 of 2 to approve, 0 of 1 to reject"' in page
