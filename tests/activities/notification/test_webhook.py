"""The simple mode: an incoming webhook and signed links, without a Slack app."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs, urlsplit

import pytest

from activities.notification.errors import Kind
from activities.notification.webhook import Links
from cli.fakeslack.state import Message
from lumen.links import Link, read_link
from lumen.showing import Note, Posted
from tests.activities.notification.conftest import Stage
from tests.activities.notification.samples import HOSTILE, KEY, ended, hostile, line, lines_of, request, texts, waiting

KEYS = {"k1": "a-secret-of-the-tests"}


@pytest.fixture
def hook(stage: Stage) -> str:
    """The address of a webhook to #ops, which the worker uses in place of an app."""
    url = stage.slack.add_webhook(stage.ops)
    stage.use(slack_bot_token="", slack_channel="", slack_webhook=url)
    return url


def links(message: Message) -> list[Link]:
    """Return the signed links behind the buttons of a message."""
    buttons = [item for block in message.blocks if block["type"] == "actions" for item in block["elements"]]
    urls = [item["url"] for item in buttons if "/decision?" in item["url"]]
    assert all("value" not in item for item in buttons)
    return [read_link(parse_qs(urlsplit(url).query)["token"][0], KEYS) for url in urls]


async def test_a_request_comes_with_a_signed_link(stage: Stage, hook: str) -> None:
    """The message has one button that decides: a link for whoever holds it, bound to the approval and the plan."""
    document = waiting()
    posted = await stage.show(request(document, line(Note.ASKED, attempt="1"), channels=("", "#leads")))
    (message,) = stage.slack.messages()
    (link,) = links(message)
    assert (link.key, link.approval_id, link.digest, link.actor) == (
        KEY,
        "0199-first.1.1",
        document["plan"]["digest"],
        "",
    )
    assert posted == (Posted("", "", "", "webhook"), Posted("#leads", "", "", "webhook"))
    assert stage.slack.violations == []


async def test_each_later_line_is_a_message_and_reminders_carry_a_fresh_link(stage: Stage, hook: str) -> None:
    """What cannot be rewritten is said anew; a reminder has another link than the one before, the end has none."""
    posted = await stage.show(request(waiting(), line(Note.ASKED, 1, attempt="1")))
    await stage.show(request(waiting(), line(Note.REMINDER, 2, loud=True, minutes="50"), posted=posted))
    await stage.show(request(waiting(), line(Note.VOTE, 3, actor="a@b.c", decision="approve"), posted=posted))
    await stage.show(request(ended(), line(Note.ENDED, 4, attempt="1", outcome="remediated"), posted=posted))
    await stage.show(request(ended(), posted=posted))
    asked, reminded, vote, end = stage.slack.messages()
    assert links(asked)[0].jti != links(reminded)[0].jti
    assert "50 min left" in reminded.text
    assert links(vote) == links(end) == []
    assert "Remediated" in end.text


async def test_a_link_expires_with_the_setting(stage: Stage) -> None:
    """The link counts for ``LINK_TTL_SEC``, and the message says until when."""
    made = Links("https://lumen.example", KEYS, 900, lambda: 1_795_366_800.0)
    url, until = made.decide(waiting())
    assert read_link(parse_qs(urlsplit(url).query)["token"][0], KEYS).expires == 1_795_367_700
    assert until == "2026-11-22 17:15 UTC"
    assert "a-secret" not in repr(made)


async def test_a_retry_says_only_what_was_not_said(stage: Stage, hook: str) -> None:
    """The webhook limits after the first message: the retry goes on with the second."""
    wanted = request(waiting(), line(Note.ASKED, 1, attempt="1"), line(Note.VOTE, 2, actor="a@b.c"))
    assert await stage.once(wanted) is not None
    kept = stage.kept
    assert kept is not None
    kept["done"] = [pair for pair in kept["done"] if not pair[1].startswith("2.")]
    assert await stage.once(wanted, retried=True) is not None
    assert len(stage.slack.messages()) == 3


async def test_slow_down_and_silence_are_told_apart(stage: Stage, hook: str) -> None:
    """429 comes back with its delay, a Slack that is down without one."""
    stage.slack.ratelimit(1, 7, "webhook")
    assert await stage.once(request(waiting())) is None
    stage.use()
    await stage.slack.go_down()
    assert await stage.once(request(waiting())) is None
    limited, down = stage.errors
    assert limited.kind is Kind.LIMITED
    assert limited.retry_after == pytest.approx(7, abs=1)
    assert (down.kind, down.retry_after) == (Kind.DOWN, 0.0)


async def test_the_address_of_the_webhook_is_in_no_log(
    stage: Stage, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A webhook that is gone is complained about once, without its address; the same while Slack is down."""
    caplog.set_level(logging.DEBUG)
    stage.use(slack_webhook=hook.replace("stand-in-secret", "another-secret"))
    for _ in range(2):
        assert await stage.once(request(waiting())) is None
    await stage.slack.go_down()
    assert await stage.once(request(waiting())) is None
    said = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert said == ["Slack: SLACK_WEBHOOK: no_service: make a new incoming webhook and set SLACK_WEBHOOK"]
    assert "another-secret" not in caplog.text + str(stage.errors) + repr(stage.settings)


async def test_the_app_wins_over_the_webhook(stage: Stage, hook: str) -> None:
    """With a bot token and a webhook the app posts, also an episode that the webhook has shown."""
    posted = await stage.show(request(waiting()))
    stage.use(slack_bot_token="xoxb-stand-in", slack_channel=stage.ops.id)
    again = await stage.show(request(waiting(), posted=posted))
    assert again[0].medium == "slack"
    assert stage.slack.messages()[-1].ts == again[0].ts


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_arrives_as_text(stage: Stage, hook: str, text: str) -> None:
    """The webhook takes every state and line of a hostile episode, and none of it is markup."""
    for number, document in enumerate(hostile(text)):
        await stage.show(request(document, *lines_of(text, 10 * number)))
    assert stage.slack.violations == []
    for message in stage.slack.messages():
        assert "<" not in message.text
        assert all(char == "\n" or char.isprintable() for shown in texts(message.blocks) for char in shown)
