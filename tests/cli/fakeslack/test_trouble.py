"""What can be wrong with Slack, turned on and off."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from cli.fakeslack import Channel, FakeSlack
from tests.cli.fakeslack.samples import call


async def post(slack: FakeSlack, channel: Channel) -> aiohttp.ClientResponse:
    """Post a message without anything of the SDK between."""
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{slack.api_url}/chat.postMessage", json={"channel": channel.id, "text": "x"}, headers=headers
        ) as answer,
    ):
        await answer.read()
        return answer


async def test_down_and_back(slack: FakeSlack, ops: Channel) -> None:
    """Refused connections or 503, nothing is posted meanwhile, and it comes back at the same address."""
    address = slack.api_url
    await slack.go_down()
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(slack, ops)
    await slack.come_back()
    await slack.go_down(refuse=False)
    assert (await post(slack, ops)).status == 503
    await slack.come_back()
    assert (await post(slack, ops)).status == 200
    assert (slack.api_url, len(slack.messages())) == (address, 1)


async def test_too_many_calls(slack: FakeSlack, ops: Channel) -> None:
    """So many calls of the method are refused with 429 and the seconds to wait, the next is not."""
    slack.ratelimit(2, retry_after=7, method="chat.postMessage")
    for _ in range(2):
        answer = await post(slack, ops)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert (await call(slack, "auth.test"))["ok"] is True
    assert (await post(slack, ops)).status == 200
    assert [one.error for one in slack.calls("chat.postMessage")] == ["ratelimited", "ratelimited", ""]


async def test_an_answer_that_is_lost(slack: FakeSlack, ops: Channel) -> None:
    """The message is there and the caller does not know; the next answer arrives."""
    slack.lose_answer_once("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await post(slack, ops)
    assert (await post(slack, ops)).status == 200
    assert [one.answered for one in slack.calls("chat.postMessage")] == [False, True]
    assert len(slack.messages()) == 2


async def test_a_slow_answer(slack: FakeSlack, ops: Channel) -> None:
    """A caller that gives up has posted all the same."""
    slack.slow(0.3, "chat.postMessage")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(post(slack, ops), 0.1)
    await slack.until(slack.messages)


async def test_what_never_comes_is_told(slack: FakeSlack) -> None:
    """A wait that ends in vain says what was seen; a misspelt method is no silent control."""
    with pytest.raises(TimeoutError, match="nothing within 0 s; violations"):
        await slack.until(slack.messages, 0.01)
    with pytest.raises(ValueError, match="no method"):
        slack.slow(1.0, "chat.post")
