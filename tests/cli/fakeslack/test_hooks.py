"""Incoming webhooks and response URLs."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from cli.fakeslack import Channel, FakeSlack, User, limits
from tests.cli.fakeslack.samples import Clock, actions, button, call, words


async def send(url: str, **given: Any) -> tuple[int, str]:
    """Post and return status and body."""
    async with aiohttp.ClientSession() as session, session.post(url, **given) as answer:
        return answer.status, await answer.text()


@pytest.fixture
def hook(slack: FakeSlack, ops: Channel) -> str:
    """The URL of an incoming webhook."""
    return slack.add_webhook(ops)


async def test_a_webhook_posts_to_its_channel(slack: FakeSlack, hook: str) -> None:
    """It answers ``ok`` as plain text, and its message cannot be changed."""
    link = button(url="https://example.com/decision?token=v1.a.b.c")
    assert await send(hook, json={"text": "hello", "blocks": [actions(link)]}) == (200, "ok")
    assert await send(hook, data={"payload": '{"text": "as a form"}'}) == (200, "ok")
    assert [message.text for message in slack.messages("ops")] == ["hello", "as a form"]
    message = slack.messages("ops")[0]
    changed = await call(slack, "chat.update", channel=message.channel, ts=message.ts, text="x")
    assert changed["error"] == "cant_update_message"


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_payload"),
        ({"data": {"payload": "7"}}, 400, "invalid_payload"),
        ({"json": {}}, 400, "no_text"),
        ({"json": {"text": "x", "blocks": [actions(button(text=words(76)))]}}, 400, "invalid_blocks"),
    ],
)
async def test_a_webhook_refuses_by_status(
    slack: FakeSlack, hook: str, given: dict[str, Any], status: int, error: str
) -> None:
    """Unlike the Web API, and with the code as plain text."""
    assert await send(hook, **given) == (status, error)
    assert len(slack.violations) == 1
    assert slack.messages() == []


async def test_a_webhook_that_is_gone(slack: FakeSlack, ops: Channel, hook: str) -> None:
    """An unknown one, and one of an archived channel."""
    assert await send(f"{slack.origin}/services/T0/B0/wrong", json={"text": "x"}) == (404, "no_service")
    ops.archived = True
    assert await send(hook, json={"text": "x"}) == (410, "channel_is_archived")


async def clicked(slack: FakeSlack, channel: Channel, user: User) -> str:
    """Click a button and return the response URL that the app gets."""
    await call(slack, "chat.postMessage", channel=channel.id, text="x", blocks=[actions(button())])
    return str((await slack.click(user, slack.messages()[0], "go")).payload["response_url"])


async def test_a_response_url_is_good_for_five_answers(slack: FakeSlack, ops: Channel, alice: User) -> None:
    """Then it is used up; the answers are seen by the clicker alone unless they ask for the channel."""
    url = await clicked(slack, ops, alice)
    answer = {"response_type": "ephemeral", "replace_original": False, "text": "recorded"}
    assert [await send(url, json=answer) for _ in range(4)] == [(200, "ok")] * 4
    assert await send(url, json={"response_type": "in_channel", "text": "for all"}) == (200, "ok")
    assert await send(url, json=answer) == (404, "used_url")
    assert [one.text for one in slack.ephemerals(alice)] == ["recorded"] * 4
    assert [one.text for one in slack.messages("ops")] == ["x", "for all"]


async def test_a_response_url_expires(slack: FakeSlack, ops: Channel, alice: User, clock: Clock) -> None:
    """It works for half an hour and no longer, and unknown ones never."""
    url = await clicked(slack, ops, alice)
    clock.now += limits.RESPONSE_URL_SECONDS
    assert (await send(url, json={"text": "y", "replace_original": False}))[0] == 200
    clock.now += 1
    assert await send(url, json={"text": "y"}) == (404, "expired_url")
    assert await send(url + "x", json={"text": "y"}) == (404, "invalid_url")


async def test_an_answer_replaces_the_message_unless_it_says_otherwise(
    slack: FakeSlack, ops: Channel, alice: User
) -> None:
    """That is Slack's default and a trap: buttons are gone; deleting is possible too; misspelt keys are noticed."""
    url = await clicked(slack, ops, alice)
    assert await send(url, json={"text": "replaced"}) == (200, "ok")
    (message,) = slack.messages("ops")
    assert (message.text, message.blocks) == ("replaced", ())
    assert await send(url, json={"txt": "typo"}) == (400, "invalid_payload")
    assert await send(url, json={"delete_original": True}) == (200, "ok")
    assert slack.messages("ops") == []
