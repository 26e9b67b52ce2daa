"""Interactions over HTTP: their signature, their payload, and how an app can fail to take them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from aiohttp import web
from slack_sdk.signature import Clock as SystemClock
from slack_sdk.signature import SignatureVerifier

from cli.fakeslack import Channel, Delivery, FakeSlack, Message, NotPossibleError, User, View
from tests.cli.fakeslack.samples import Clock, actions, asking, button, call, modal, words

Answer = Callable[[dict[str, Any]], Awaitable[web.StreamResponse]]


class App:
    """An app behind a request URL. ``answer`` makes its answers; ``requests`` is what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer: Answer = self._ok

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take one interaction."""
        body = await request.read()
        self.requests.append((dict(request.headers), body))
        return await self.answer(json.loads(parse_qs(body.decode())["payload"][0]))

    async def _ok(self, _payload: dict[str, Any]) -> web.StreamResponse:
        return web.Response()


@pytest_asyncio.fixture
async def app(slack: FakeSlack) -> AsyncIterator[App]:
    """A running app that the stand-in knows."""
    running, server = App(), web.Application()
    server.router.add_post("/slack/interaction", running.take)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/interaction"
    yield running
    await runner.cleanup()


@pytest_asyncio.fixture
async def message(slack: FakeSlack, ops: Channel) -> Message:
    """A message with a button."""
    block = actions(button(value="ap_1", style="primary"))
    await call(slack, "chat.postMessage", channel=ops.id, text="x", blocks=[block])
    return slack.messages()[0]


async def opened(slack: FakeSlack, user: User, message: Message, view: dict[str, Any]) -> View:
    """Click, open a modal for that and return it."""
    clicked = await slack.click(user, message, "go")
    await call(slack, "views.open", trigger_id=clicked.payload["trigger_id"], view=view)
    return slack.views(user)[-1]


def answering(document: dict[str, Any]) -> Answer:
    """Return an answer of this JSON."""

    async def answer(_payload: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(document)

    return answer


async def test_a_click_is_signed_as_by_slack(
    slack: FakeSlack, app: App, alice: User, message: Message, clock: Clock
) -> None:
    """Slack's own verifier accepts it, refuses it with a byte changed, and accepts the replay: the same bytes."""

    class Now(SystemClock):
        def now(self) -> float:
            return clock.now

    delivery = await slack.click(alice, message, "go")
    assert (delivery.ok, delivery.status) == (True, 200)
    (headers, body) = app.requests[0]
    verifier = SignatureVerifier(slack.signing_secret, Now())
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b" ", headers)
    clock.now += 10
    assert (await slack.replay(delivery)).ok
    assert app.requests[1][1] == body
    assert app.requests[1][0]["X-Slack-Signature"] == headers["X-Slack-Signature"]


async def test_a_click_says_who_clicked_what(slack: FakeSlack, app: App, alice: User, message: Message) -> None:
    """The payload has the fields of the reference; the message is the one that was clicked, also if it has changed since."""
    await call(slack, "chat.update", channel=message.channel, ts=message.ts, text="no buttons any more")
    with pytest.raises(NotPossibleError, match="the message has no go"):
        await slack.click(alice, message, "go")
    payload = (await slack.click(alice, message, "go", version=0)).payload
    assert payload["user"] == {"id": alice.id, "username": "alice", "name": "alice", "team_id": alice.team_id}
    assert (payload["type"], payload["channel"]["name"], payload["team"]["id"]) == (
        "block_actions",
        "ops",
        alice.team_id,
    )
    assert payload["container"]["message_ts"] == payload["message"]["ts"] == message.ts
    (action,) = payload["actions"]
    assert (action["action_id"], action["value"], action["block_id"]) == ("go", "ap_1", "a")
    assert action["action_ts"] == "1700000000.000000"
    assert payload["message"]["blocks"][0]["elements"][0]["action_id"] == "go"


async def test_an_app_that_does_not_acknowledge_is_a_failure(
    slack: FakeSlack, app: App, alice: User, message: Message, clock: Clock
) -> None:
    """An error, a late answer, none at all, and nobody there: the person sees an error, and the last three are violations."""

    async def error(_payload: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=500)

    async def late(_payload: dict[str, Any]) -> web.StreamResponse:
        clock.now += 3.2
        return web.Response()

    async def never(_payload: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    found: list[Delivery] = []
    for answer in (error, late, never):
        app.answer = answer
        found.append(await slack.click(alice, message, "go"))
    slack.request_url = "http://127.0.0.1:9/"
    found.append(await slack.click(alice, message, "go"))
    assert [one.ok for one in found] == [False] * 4
    assert [one.failure.split(":")[0] for one in found] == [
        *("HTTP 500", "acknowledged after 3.2 s", "no answer", "no answer"),
    ]
    assert len(slack.violations) == 3


async def test_a_form_is_sent_with_its_values(slack: FakeSlack, app: App, alice: User, message: Message) -> None:
    """The view comes back with its metadata and what was typed; an empty answer closes it."""
    view = await opened(slack, alice, message, modal(private_metadata="m", callback_id="c"))
    delivery = await slack.submit(view, {"reason": "because"})
    sent = delivery.payload["view"]
    assert (sent["id"], sent["private_metadata"], sent["callback_id"]) == (view.id, "m", "c")
    assert sent["state"]["values"] == {"reason": {"reason": {"type": "plain_text_input", "value": "because"}}}
    assert slack.views(alice) == []
    with pytest.raises(NotPossibleError, match="closed"):
        await slack.submit(view, {"reason": "again"})


async def test_slacks_client_refuses_some_forms_itself(
    slack: FakeSlack, app: App, alice: User, message: Message
) -> None:
    """A missing or too long value never reaches the app."""
    view = await opened(slack, alice, message, modal(blocks=[asking(max_length=5)]))
    for values, what in (
        ({}, "a value is wanted"),
        ({"reason": "toolong"}, "too many"),
        ({"why": "x"}, "no input why"),
    ):
        with pytest.raises(NotPossibleError, match=what):
            await slack.submit(view, values)
    assert len(app.requests) == 1


async def test_the_answer_to_a_form_is_followed(slack: FakeSlack, app: App, alice: User, message: Message) -> None:
    """Errors stand beside their inputs, an update replaces the view, and what Slack does not know fails."""
    view = await opened(slack, alice, message, modal())
    app.answer = answering({"response_action": "errors", "errors": {"reason": "too short"}})
    await slack.submit(view, {"reason": "x"})
    assert (view.open, view.errors) == (True, {"reason": "too short"})
    app.answer = answering({"response_action": "update", "view": modal(title=words(24))})
    await slack.submit(view, {"reason": "x"})
    assert (view.open, view.errors, view.body["title"]) == (True, {}, words(24))
    wrong: list[dict[str, Any]] = [
        {"response_action": "update", "view": modal(title=words(25))},
        {"response_action": "errors", "errors": {"other": "no such input"}},
        {"response_action": "close"},
    ]
    for document in wrong:
        app.answer = answering(document)
        assert not (await slack.submit(view, {"reason": "x"})).ok
    assert len(slack.violations) == 3
    app.answer = answering({"response_action": "clear"})
    await slack.submit(view, {"reason": "x"})
    assert slack.views() == []
