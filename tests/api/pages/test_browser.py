"""What a real browser sends from the decision page, and from a page of another site. Debian's Chromium, without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Request, async_playwright

from api.app import create_app
from api.edge import Site
from tests.api.conftest import served
from tests.api.pages.samples import Stage, stage, token

_PROGRAM = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP *.lan 127.0.0.1",
]
EVIL = "http://evil.lan/"


@pytest.fixture(scope="module")
async def browser(require_all: bool) -> AsyncIterator[Browser]:
    """Debian's Chromium, which finds every name under .lan on this machine."""
    if not _PROGRAM.exists() and not require_all:
        pytest.skip(f"not installed: {_PROGRAM} (Debian: chromium)")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_PROGRAM, args=_ARGUMENTS)
        yield chromium
        await chromium.close()


@asynccontextmanager
async def opened(browser: Browser, host: str) -> AsyncIterator[tuple[Stage, Page, str]]:
    """Serve an episode that asks, and open a window without scripts; yield both and the address under which it is served."""
    here = stage()
    app = create_app(here.edge)
    async with served(app) as port:
        base_url = f"http://{host}:{port}"
        app.state.edge = replace(here.edge, site=Site(base_url=base_url))
        app.state.pages = create_app(app.state.edge).state.pages
        context = await browser.new_context(java_script_enabled=False)
        try:
            yield here, await context.new_page(), base_url
        finally:
            await context.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "lumen.lan"])
async def test_a_person_decides_in_a_browser(browser: Browser, host: str) -> None:
    """The form of the page works without scripts, on this machine and on a plain http address; no Referer holds the link."""
    async with opened(browser, host) as (here, page, base_url):
        good = token(here.clock)
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request))  # noqa: PLW0108  # Playwright marks what it is given
        await page.goto(f"{base_url}/decision?token={good}")
        await page.locator("#reason-reject").fill("first\nsecond")
        await page.get_by_role("button", name="Reject").click()
        assert await page.get_by_role("heading", level=1).inner_text() == "Your vote is recorded"
        for request in sent:
            headers = await request.all_headers()
            assert good not in headers.get("referer", "")
            assert request.method == "GET" or good not in request.url
    ((_, ballot),) = here.episodes.voted
    assert (ballot.decision, ballot.reason, ballot.actor) == ("reject", "first\nsecond", "alice@example.com")


@pytest.mark.parametrize("host", ["127.0.0.1", "lumen.lan"])
@pytest.mark.parametrize("policy", ["", "no-referrer", "unsafe-url"])
async def test_a_page_of_another_site_decides_nothing(browser: Browser, host: str, policy: str) -> None:
    """A form of another site is refused though it holds a good link, whatever that site tells of itself."""
    async with opened(browser, host) as (here, page, base_url):
        form = (
            f'<form method="post" action="{base_url}/decision"><input name="token" value="{escape(token(here.clock))}">'
            '<input name="decision" value="approve"><button>win</button></form>'
        )
        headers = {"Referrer-Policy": policy} if policy else {}
        await page.route(f"{EVIL}**", lambda route: route.fulfill(body=form, content_type="text/html", headers=headers))
        await page.goto(EVIL)
        await page.get_by_role("button", name="win").click()
        assert await page.get_by_role("heading", level=1).inner_text() == "This came from another site"
    assert here.recorded == []


async def test_a_person_signs_in_and_out_in_a_browser(browser: Browser) -> None:
    """The forms of the sign-in page work without scripts, and the browser keeps the session in between."""
    async with opened(browser, "lumen.lan") as (_, page, base_url):
        await page.goto(f"{base_url}/sign-in")
        await page.locator("#token").fill("alice-token")
        await page.locator("main form[action='/sign-in'] button").click()
        await page.goto(f"{base_url}/sign-in")
        assert "alice@example.com" in await page.inner_text("main")
        await page.locator("main form[action='/sign-out'] button").click()
        assert page.url == f"{base_url}/sign-in"
        assert "alice@example.com" not in await page.inner_text("main")
