"""Socket Mode against Slack's own client."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest_asyncio
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from cli.fakeslack import Channel, FakeSlack, Message, User, limits
from tests.cli.fakeslack.samples import Clock, actions, button, call, modal

Take = Callable[[SocketModeClient, SocketModeRequest], Awaitable[None]]


async def acknowledge(client: SocketModeClient, request: SocketModeRequest) -> None:
    """Do what every app must do first."""
    await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


@pytest_asyncio.fixture
async def connect(slack: FakeSlack) -> AsyncIterator[Callable[[Take], Awaitable[None]]]:
    """A function that connects an app, which handles what it gets as it is told."""
    clients: list[SocketModeClient] = []

    async def start(take: Take) -> None:
        quiet = logging.getLogger("tests.sockets")
        quiet.setLevel(logging.CRITICAL)
        web_client = AsyncWebClient(base_url=slack.api_url + "/", logger=quiet)
        client = SocketModeClient(slack.app_token, quiet, web_client, ping_interval=0.1)
        client.socket_mode_request_listeners.append(take)  # type: ignore[arg-type]  # the SDK wants its base client
        clients.append(client)
        await client.connect()  # type: ignore[no-untyped-call]  # the SDK has no types there
        await slack.until(lambda: slack.sockets.connected)

    yield start
    for client in clients:
        await client.close()  # type: ignore[no-untyped-call]  # as above


@pytest_asyncio.fixture
async def message(slack: FakeSlack, ops: Channel) -> Message:
    """A message with a button."""
    await call(slack, "chat.postMessage", channel=ops.id, text="x", blocks=[actions(button())])
    return slack.messages()[0]


async def test_a_click_arrives_and_is_acknowledged(
    slack: FakeSlack, connect: Callable[[Take], Awaitable[None]], alice: User, message: Message
) -> None:
    """The app gets the envelope, acknowledges it and opens a modal; the form comes over the socket too."""
    seen: list[str] = []

    async def take(client: SocketModeClient, request: SocketModeRequest) -> None:
        seen.append(request.payload["type"])
        await acknowledge(client, request)
        if request.payload["type"] == "block_actions":
            await call(slack, "views.open", trigger_id=request.payload["trigger_id"], view=modal())

    await connect(take)
    assert (await slack.click(alice, message, "go")).ok
    (view,) = await slack.until(lambda: slack.views(alice))
    delivery = await slack.submit(view, {"reason": "because"})
    assert delivery.ok
    assert seen == ["block_actions", "view_submission"]
    assert slack.views() == []
    assert slack.violations == []


async def test_an_answer_comes_in_the_acknowledgement(
    slack: FakeSlack, connect: Callable[[Take], Awaitable[None]], alice: User, message: Message
) -> None:
    """Errors of a form stand in its payload."""

    async def take(client: SocketModeClient, request: SocketModeRequest) -> None:
        if request.payload["type"] == "block_actions":
            await acknowledge(client, request)
            await call(slack, "views.open", trigger_id=request.payload["trigger_id"], view=modal())
            return
        answer: dict[str, Any] = {"response_action": "errors", "errors": {"reason": "no"}}
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))

    await connect(take)
    await slack.click(alice, message, "go")
    (view,) = await slack.until(lambda: slack.views(alice))
    await slack.submit(view, {"reason": "because"})
    assert view.errors == {"reason": "no"}


async def test_a_missing_and_a_late_acknowledgement_are_failures(
    slack: FakeSlack, connect: Callable[[Take], Awaitable[None]], alice: User, message: Message, clock: Clock
) -> None:
    """The person sees an error either way, and so if no app is connected; what comes twice is noticed."""
    assert (await slack.click(alice, message, "go")).failure == "no connection: the app is not there"
    assert slack.violations == []
    ways = iter(["never", "late", "twice"])

    async def take(client: SocketModeClient, request: SocketModeRequest) -> None:
        way = next(ways)
        clock.now += limits.ACK_SECONDS + 0.5 if way == "late" else 0
        for _ in range({"never": 0, "late": 1, "twice": 2}[way]):
            await acknowledge(client, request)

    await connect(take)
    assert (await slack.click(alice, message, "go")).failure == "not acknowledged"
    assert (await slack.click(alice, message, "go")).failure == "acknowledged after 3.5 s"
    assert (await slack.click(alice, message, "go")).ok
    whats = await slack.until(lambda: len(slack.violations) == 4 and [one.what for one in slack.violations])
    assert whats[0].endswith("not acknowledged")
    assert whats[3] == "acknowledged twice"


async def test_an_app_that_is_sent_away_comes_back(
    slack: FakeSlack, connect: Callable[[Take], Awaitable[None]], alice: User, message: Message
) -> None:
    """After a ``disconnect`` and after a break it connects anew, with a new address, and clicks arrive."""
    await connect(acknowledge)
    for way in (slack.disconnect, slack.go_down):
        before = slack.sockets.opened
        await way()
        await slack.come_back()
        await slack.until(lambda before=before: slack.sockets.opened > before and slack.sockets.connected, 20)  # type: ignore[misc]
    assert (await slack.click(alice, message, "go")).ok
    assert slack.violations == []


async def test_an_address_opens_one_connection(slack: FakeSlack) -> None:
    """It says hello; the second use is refused, and so is an eleventh connection."""

    async def address() -> str:
        return str((await call(slack, "apps.connections.open", token=slack.app_token))["url"])

    async with aiohttp.ClientSession() as session:
        url = await address()
        sockets = [await session.ws_connect(url)]
        hello = await sockets[0].receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert (await session.get(url.replace("ws:", "http:"))).status == 401
        sockets += [await session.ws_connect(await address()) for _ in range(limits.SOCKETS)]
        last = await sockets[-1].receive_json()
        assert (last["type"], last["reason"]) == ("disconnect", "too_many_websockets")
        await sockets[0].send_str("no JSON")
        await slack.until(lambda: len(slack.violations) == 3)
        for socket in sockets:
            await socket.close()
