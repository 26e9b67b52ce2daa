"""The page that stands in for Slack: what it shows, what it refuses, and what a click on it does."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest_asyncio
from aiohttp import web

from cli.demo.slack.workspace import Workspace
from lumen.setting_types import Address
from tests.cli.fakeslack.samples import actions, button, call, modal
from tests.stack.processes import free_port

CONFIRM = {
    "title": {"type": "plain_text", "text": "Sure?"},
    "text": {"type": "plain_text", "text": "It will run."},
    "confirm": {"type": "plain_text", "text": "Run it"},
    "deny": {"type": "plain_text", "text": "Back"},
}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e"


class App:
    """What stands where Lumen would take clicks: it acknowledges, and opens a modal for ``reject``."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.status = 200
        self.workspace: Workspace | None = None

    async def take(self, request: web.Request) -> web.Response:
        """Take one interaction."""
        payload = json.loads(parse_qs((await request.read()).decode())["payload"][0])
        self.payloads.append(payload)
        if self.workspace and [one["action_id"] for one in payload.get("actions", ())] == ["reject"]:
            await call(self.workspace.slack, "views.open", trigger_id=payload["trigger_id"], view=modal())
        return web.Response(status=self.status)


@pytest_asyncio.fixture
async def app() -> AsyncIterator[App]:
    """A running app; ``workspace`` sends to it."""
    running, server = App(), web.Application()
    server.router.add_post("/slack/interaction", running.take)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/interaction"
    api, page = (Address("127.0.0.1", free_port()) for _ in range(2))
    async with Workspace(api, page, url, "xoxb-test", "secret") as workspace:
        running.workspace = workspace
        yield running
    await runner.cleanup()


@pytest_asyncio.fixture
async def workspace(app: App) -> Workspace:
    """A workspace with a message that has two buttons, one of which asks back."""
    assert app.workspace
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": HOSTILE}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "a &lt;b&gt; &amp;amp; <!channel>"}},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": HOSTILE}]}],
        },
        actions(button(action_id="approve", confirm=CONFIRM), button(action_id="reject")),
    ]
    await call(app.workspace.slack, "chat.postMessage", channel="ops", text="x", blocks=blocks)
    return app.workspace


@pytest_asyncio.fixture
async def browser(workspace: Workspace) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on this machine."""
    async with httpx.AsyncClient(base_url=workspace.url, trust_env=False, follow_redirects=True) as client:
        yield client


def form(page: httpx.Response, **values: str) -> dict[str, str]:
    """Return what a form of the page sends, with these values."""
    hidden = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in hidden} | values


async def test_it_says_what_it_is_and_shows_text_as_text(browser: httpx.AsyncClient) -> None:
    """It stands in for Slack; nothing of a message is markup; no script may run; nothing is kept by the browser."""
    page = await browser.get("/")
    assert "This page stands in for Slack." in page.text
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert "\u202e" not in page.text
    assert "a &lt;b&gt; &amp;amp; &lt;!channel&gt;" in page.text
    assert page.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; form-action 'self'"
    )
    assert page.headers["Cache-Control"] == "no-store"
    assert (await browser.get("/channel.css")).headers["Content-Type"].startswith("text/css")


async def test_a_click_asks_back_and_is_made_in_the_name_that_was_chosen(app: App, browser: httpx.AsyncClient) -> None:
    """The confirmation is a page of its own; only its button sends anything."""
    page = await browser.get("/", params={"as": "bob"})
    asked = await browser.post("/click", data=form(page, action="approve"))
    assert "It will run." in asked.text
    assert app.payloads == []
    done = await browser.post("/click", data=form(asked, action="approve"))
    (payload,) = app.payloads
    assert (payload["user"]["name"], payload["actions"][0]["action_id"]) == ("bob", "approve")
    assert "went wrong" not in done.text
    assert '<strong aria-current="true">bob@example.com</strong>' in done.text


async def test_a_modal_is_filled_in(app: App, browser: httpx.AsyncClient) -> None:
    """It appears after the click, wants a value as Slack's client does, and is gone once it was sent or left."""
    opened = await browser.post("/click", data=form(await browser.get("/"), action="reject"))
    assert 'http-equiv="refresh"' not in opened.text
    empty = await browser.post("/submit", data=form(opened) | {"in-reason": ""})
    assert "a value is wanted" in empty.text
    sent = await browser.post("/submit", data=form(opened) | {"in-reason": HOSTILE})
    assert app.payloads[-1]["view"]["state"]["values"]["reason"]["reason"]["value"] == HOSTILE
    assert "textarea" not in sent.text
    again = await browser.post("/click", data=form(sent, action="reject"))
    assert "textarea" in again.text
    assert "textarea" not in (await browser.post("/dismiss", data=form(again))).text


async def test_a_failure_is_shown_to_whoever_clicked(app: App, browser: httpx.AsyncClient) -> None:
    """As Slack would, and once."""
    app.status = 500
    page = await browser.get("/")
    assert "went wrong: HTTP 500" in (await browser.post("/click", data=form(page, action="reject"))).text
    assert "went wrong" not in (await browser.get("/")).text
    assert "is gone" in (await browser.post("/click", data=form(page, action="other"))).text
    assert "is gone" in (await browser.post("/click", data=form(page, action="approve", ts="1.2"))).text
    assert "is gone" in (await browser.post("/submit", data=form(page, view="V404"))).text


async def test_foreign_pages_cannot_click(app: App, browser: httpx.AsyncClient) -> None:
    """Not without the token of the form, not from another origin, not under another name of this machine."""
    good = form(await browser.get("/"), action="reject")
    for refused in (
        await browser.post("/click", data=good | {"form_token": "wrong"}),
        await browser.post("/click", data={"action": "reject"}),
        await browser.post("/click", data=good, headers={"Origin": "http://evil.example"}),
        await browser.post("/submit", data=good, headers={"Origin": "null"}),
    ):
        assert refused.status_code == 403
    assert (await browser.get("/", headers={"Host": "evil.example"})).status_code == 421
    assert app.payloads == []
