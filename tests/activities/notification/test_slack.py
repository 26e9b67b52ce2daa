"""An episode in Slack, over the Web API of a stand-in that refuses what Slack refuses."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from activities.notification.errors import Kind
from lumen.showing import Note, Posted
from tests.activities.notification.conftest import TOKEN, Stage, now
from tests.activities.notification.samples import (
    HOSTILE,
    KEY,
    ended,
    hostile,
    line,
    lines_of,
    request,
    running,
    texts,
    waiting,
)


async def test_one_message_lives_through_the_episode(stage: Stage) -> None:
    """A message is posted once, rewritten as things change, and at the end it has no button that votes."""
    posted = await stage.show(request(waiting()))
    posted = await stage.show(request(running(), posted=posted))
    posted = await stage.show(request(ended(), posted=posted))
    (message,) = stage.slack.messages()
    assert posted == (Posted("", message.channel, message.ts, "slack"),)
    assert [version.text for version in message.versions] == [
        "Approval needed: DiskFull on db-1",
        "Running: DiskFull on db-1",
        "Remediated: DiskFull on db-1",
    ]
    assert "lumen.approve" in json.dumps(message.versions[0].blocks)
    assert "lumen.approve" not in json.dumps(message.blocks)
    assert message.now.metadata == {"event_type": "lumen_episode", "event_payload": {"key": KEY, "id": "message"}}
    assert (message.options.get("unfurl_links"), message.options.get("unfurl_media")) == (False, False)
    assert stage.slack.violations == []
    assert stage.counted("chat.update", "ok") == 2


async def test_lines_go_below_the_message_and_loud_ones_into_the_channel_too(stage: Stage) -> None:
    """Each line is a reply, in order; a loud one is shown in the channel as well."""
    lines = (line(Note.ASKED, 1, attempt="1"), line(Note.REMINDER, 2, loud=True, minutes="50"))
    await stage.show(request(waiting(), *lines))
    (message,) = stage.slack.messages()
    replies = stage.slack.thread(message)
    assert [(reply.broadcast, "Reminder" in reply.text) for reply in replies] == [(False, False), (True, True)]
    assert stage.slack.violations == []


async def test_each_channel_has_a_message_of_its_own(stage: Stage) -> None:
    """A channel that is named in a rule gets the message beside the default one, and both are rewritten."""
    channels = ("", "#leads")
    posted = await stage.show(request(waiting(), channels=channels))
    assert [one.asked for one in posted] == ["", "#leads"]
    await stage.show(request(ended(), line(Note.ENDED, attempt="1"), channels=channels, posted=posted))
    assert [len(message.versions) for message in stage.slack.messages()] == [2, 2]
    assert [len(stage.slack.thread(message)) for message in stage.slack.messages()] == [1, 1]


async def test_a_deleted_message_is_posted_anew(stage: Stage) -> None:
    """Somebody deletes the message: the next change posts it again, and people go on there."""
    posted = await stage.show(request(waiting()))
    stage.slack.delete_message(stage.slack.messages()[0])
    again = await stage.show(request(running(), line(Note.VOTE, actor="a@b.c"), posted=posted))
    (message,) = stage.slack.messages()
    assert again[0].ts == message.ts != posted[0].ts
    assert len(stage.slack.thread(message)) == 1


async def test_nothing_is_said_twice_after_a_lost_answer(stage: Stage) -> None:
    """The answer to a posting is lost: the retry finds what stands in the channel by its metadata and goes on there."""
    lines = (line(Note.ASKED, 1, attempt="1", at=now()), line(Note.VOTE, 2, actor="a@b.c", at=now()))
    wanted = request(waiting(), *lines)
    stage.slack.lose_answer_once("chat.postMessage")
    assert await stage.once(wanted) is None
    assert len(stage.slack.messages()) == 1
    stage.slack.lose_answer_once("chat.postMessage")
    assert await stage.once(wanted, retried=True) is None
    assert await stage.once(wanted, retried=True) is not None
    (message,) = stage.slack.messages()
    assert len(stage.slack.thread(message)) == 2
    assert stage.slack.violations == []


async def test_a_worker_that_died_leaves_no_double(stage: Stage) -> None:
    """The worker dies after posting and nothing of its journal is left: the retry looks first."""
    wanted = request(waiting(), line(Note.ASKED, attempt="1", at=now()))
    await stage.show(wanted)
    assert await stage.once(wanted, retried=True, forget=True) is not None
    (message,) = stage.slack.messages()
    assert len(stage.slack.thread(message)) == 1


async def test_a_worker_that_dies_has_done_more_than_its_journal_tells(stage: Stage) -> None:
    """Temporal gets the first heartbeat of a try at once and the next half a minute later: whoever goes on from it looks."""
    posted = await stage.show(request(waiting()))
    wanted = request(waiting(), line(Note.VOTE, 1, actor="a@example.com", at=now()), posted=posted)
    assert await stage.once(wanted) is not None
    stage.kept = stage.first
    assert await stage.once(wanted, retried=True) is not None
    (message,) = stage.slack.messages()
    assert len(stage.slack.thread(message)) == 1


async def test_a_request_that_comes_late_looks_first(stage: Stage) -> None:
    """Lines of a request that failed for good come with the next one: what was said is not said again."""
    old = line(Note.ASKED, attempt="1", at=now().replace(year=2025))
    await stage.show(request(waiting(), old))
    await stage.show(request(waiting(), old))
    (message,) = stage.slack.messages()
    assert len(stage.slack.thread(message)) == 1


async def test_without_the_scope_to_read_it_goes_on(stage: Stage) -> None:
    """An app that may not read the channel posts again after a lost answer: a double is better than silence."""
    stage.slack.revoke_scope("channels:history")
    stage.slack.lose_answer_once("chat.postMessage")
    assert await stage.once(request(waiting())) is None
    assert await stage.once(request(waiting()), retried=True) is not None
    assert len(stage.slack.messages()) == 2
    assert stage.counted("conversations.history", "setup") == 1


async def test_another_episode_is_not_taken_for_this_one(stage: Stage) -> None:
    """A message of another key, and one of another app that copies the metadata, are left alone."""
    other = waiting(key="alertmanager-ffffffffffffffff")
    await stage.show(request(other))
    await stage.show(request(waiting()))
    stage.slack.messages()[1].user = "U0OTHERBOT"
    assert await stage.once(request(waiting()), retried=True, forget=True) is not None
    assert [len(message.versions) for message in stage.slack.messages()] == [1, 1, 1]


async def test_slow_down_is_heeded_and_nothing_is_dropped(stage: Stage) -> None:
    """429: the error says how long to wait, calls meanwhile do not even reach Slack, then the retry says the rest once."""
    wanted = request(waiting(), line(Note.ASKED, attempt="1", at=now()))
    stage.slack.ratelimit(1, 1, "chat.postMessage")
    assert await stage.once(wanted) is None
    assert await stage.once(request(waiting()), retried=True) is None
    first, second = stage.errors
    assert (first.kind, second.kind) == (Kind.LIMITED, Kind.LIMITED)
    assert 0 < first.retry_after <= 1
    assert second.retry_after > first.retry_after - 1
    assert len(stage.slack.calls("chat.postMessage")) == 1
    async with asyncio.timeout(20):
        while await stage.once(wanted, retried=True) is None:
            await asyncio.sleep(0.1)
    assert stage.slack.calls("conversations.history") == []
    (message,) = stage.slack.messages()
    assert len(stage.slack.thread(message)) == 1


async def test_a_slow_slack_doubles_nothing(stage: Stage) -> None:
    """Slack takes 5 seconds for an answer: it is waited for, and everything stands there once."""
    stage.slack.slow(5, "chat.postMessage")
    await stage.show(request(waiting()))
    assert len(stage.slack.messages()) == 1
    assert len(stage.slack.calls("chat.postMessage")) == 1


@pytest.mark.parametrize("refuse", [True, False])
async def test_slack_down_for_a_while(stage: Stage, *, refuse: bool) -> None:
    """While Slack refuses connections or answers 503 each try fails; when it is back the message is right, and once."""
    posted = await stage.show(request(waiting()))
    wanted = request(ended(), line(Note.ENDED, attempt="1", outcome="remediated", at=now()), posted=posted)
    await stage.slack.go_down(refuse=refuse)
    for number in range(3):
        assert await stage.once(wanted, retried=number > 0) is None
    assert {error.kind for error in stage.errors} == {Kind.DOWN}
    await stage.slack.come_back()
    assert await stage.once(wanted, retried=True) is not None
    (message,) = stage.slack.messages()
    assert message.text == "Remediated: DiskFull on db-1"
    assert len(stage.slack.thread(message)) == 1


async def test_a_channel_that_cannot_be_used_holds_up_no_other(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The app is not in one channel: the other gets its message, and the log says once what to do."""
    stage.slack.add_channel("closed", member=False)
    for _ in range(2):
        posted = await stage.show(request(waiting(), channels=("#closed", "")))
    assert [one.asked for one in posted] == [""]
    said = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert said == ["Slack: #closed: not_in_channel: invite the app to the channel: /invite @Lumen"]
    stage.slack.add_channel("closed", channel_id=stage.slack.state.find_channel("closed").id)  # type: ignore[union-attr]  # it was added above
    assert len(await stage.show(request(waiting(), channels=("#closed", ""), posted=posted))) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"slack_bot_token": "xoxb-of-somebody-else"}, "invalid_auth"),
        ({"slack_channel": "C0NOWHERE"}, "channel_not_found"),
        ({"slack_channel": ""}, "no_channel"),
    ],
)
async def test_what_somebody_must_put_right_is_said_without_secrets(
    stage: Stage, caplog: pytest.LogCaptureFixture, change: dict[str, str], code: str
) -> None:
    """A bad token or channel fails with Slack's word for it; no token is in an error or a log, at any level."""
    caplog.set_level(logging.DEBUG)
    stage.use(**change)
    assert await stage.once(request(waiting())) is None
    assert (stage.errors[0].kind, stage.errors[0].code) == (Kind.SETUP, code)
    assert any(code in record.message for record in caplog.records if record.levelno == logging.ERROR)
    everything = caplog.text + str(stage.errors) + repr(stage.settings)
    assert not any(token in everything for token in (TOKEN, "xoxb-of-somebody-else"))


async def test_a_message_that_slack_does_not_take_is_posted_with_less(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Slack finds fault with the blocks after all, people still get a message that leads to the request."""
    monkeypatch.setattr("activities.notification.blocks.HEADER", 0)
    monkeypatch.setattr("activities.notification.message.kit.facts", lambda _pairs: {"type": "no such block"})
    await stage.show(request(waiting()))
    (message,) = stage.slack.messages()
    assert [block["type"] for block in message.blocks] == ["header", "actions"]
    assert stage.counted("chat.postMessage", "malformed") == 1


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_hostile_text_arrives_as_text(stage: Stage, text: str, lang: str) -> None:
    """Slack takes every state of a hostile episode and every line about it, and none of it is markup."""
    stage.use(lang=lang)
    posted: tuple[Posted, ...] = ()
    for number, document in enumerate(hostile(text)):
        posted = await stage.show(request(document, *lines_of(text, 10 * number), posted=posted))
    (message,) = stage.slack.messages()
    everything = [message, *stage.slack.thread(message)]
    assert len(everything) == 1 + 3 * len(Note)
    assert not any("mrkdwn" in json.dumps(one.blocks) for one in everything)
    assert not any("<" in one.text or ">" in one.text for one in everything)
    assert all(
        char == "\n" or char.isprintable() for one in everything for shown in texts(one.blocks) for char in shown
    )
    assert stage.slack.violations == []
