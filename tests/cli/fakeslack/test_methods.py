"""The Web API as a client of Slack sees it: answers, error codes, who may do what."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from cli.fakeslack import Channel, FakeSlack, User, limits, state
from tests.cli.fakeslack.samples import Clock, actions, button, call, modal, words


async def posted(slack: FakeSlack, channel: Channel, **more: Any) -> str:
    """Post a message and return its ts."""
    return str((await call(slack, "chat.postMessage", channel=channel.id, text="hello", **more))["ts"])


async def test_a_message_is_posted_changed_and_read_back(slack: FakeSlack, ops: Channel) -> None:
    """By id or name; all versions are kept; metadata comes back only when asked for, and survives a change."""
    metadata = {"event_type": "approval", "event_payload": {"id": "ap_1"}}
    ts = await posted(slack, ops, blocks=[actions(button())], metadata=metadata)
    assert (await call(slack, "chat.postMessage", channel="#ops", text="by name"))["channel"] == ops.id
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text="changed"))["ok"] is True
    message = slack.messages("ops")[0]
    assert [version.text for version in message.versions] == ["hello", "changed"]
    assert (len(message.versions[0].blocks), message.blocks) == (1, ())
    bare = await call(slack, "conversations.history", channel=ops.id)
    full = await call(slack, "conversations.history", channel=ops.id, include_all_metadata="true")
    assert [one["text"] for one in bare["messages"]] == ["by name", "changed"]
    assert [one.get("metadata") for one in full["messages"]] == [None, metadata]
    assert all("metadata" not in one for one in bare["messages"])
    assert slack.violations == []


async def test_replies_stand_in_their_thread(slack: FakeSlack, ops: Channel) -> None:
    """The head first, then replies, oldest first; the channel shows only those that were broadcast; pages follow each other."""
    ts = await posted(slack, ops)
    for number, broadcast in enumerate([False, True, False]):
        await posted(
            slack, ops, thread_ts=ts, reply_broadcast=broadcast, blocks=[{"type": "divider", "block_id": str(number)}]
        )
    seen, cursor = [], ""
    while True:
        page = await call(slack, "conversations.replies", channel=ops.id, ts=ts, limit=3, cursor=cursor)
        seen += [one["blocks"][0]["block_id"] if one["blocks"] else "head" for one in page["messages"]]
        if not page["has_more"]:
            break
        cursor = page["response_metadata"]["next_cursor"]
    assert seen == ["head", "0", "1", "2"]
    assert len((await call(slack, "conversations.history", channel=ops.id))["messages"]) == 2
    assert len(slack.thread(slack.messages("ops")[0])) == 3
    later = await call(slack, "conversations.history", channel=ops.id, oldest=ts)
    assert [one["ts"] for one in later["messages"]] == [slack.thread(slack.messages("ops")[0])[1].ts]


async def test_tokens_are_checked(slack: FakeSlack, ops: Channel) -> None:
    """No token, a wrong one, that of the app in the place of the bot's, the reverse, and one that was revoked."""
    assert (await call(slack, "auth.test", token="xoxb-wrong"))["error"] == "invalid_auth"
    assert (await call(slack, "auth.test", token=slack.app_token))["error"] == "not_allowed_token_type"
    assert (await call(slack, "apps.connections.open"))["error"] == "not_allowed_token_type"
    assert (await call(slack, "apps.connections.open", token=slack.app_token))["url"].startswith("ws://127.0.0.1:")
    async with aiohttp.ClientSession() as session, session.post(f"{slack.api_url}/auth.test") as answer:
        assert (await answer.json())["error"] == "not_authed"
    slack.revoke_tokens()
    assert (await call(slack, "chat.postMessage", channel=ops.id, text="x"))["error"] == "token_revoked"
    assert slack.messages() == []


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C404", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "elsewhere", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "secret", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "old", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "ops"}, "no_text"),
        ("chat.postMessage", {"channel": "ops", "text": "x", "blocks": {}}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "ops", "text": "x", "blocks": "["}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "ops", "text": "x" * (limits.POSTED_TEXT + 1)}, "msg_too_long"),
        ("chat.postMessage", {"channel": "ops", "text": "x", "thread_ts": "1.2"}, "invalid_thread_ts"),
        ("chat.postMessage", {"channel": "ops", "text": "x", "thread_ts": "1700000000.999999"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "ops", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.update", {"channel": "#ops", "ts": "1.2", "text": "x"}, "channel_not_found"),
        ("chat.postEphemeral", {"channel": "ops", "user": "U404", "text": "x"}, "user_not_in_channel"),
        ("users.info", {"user": "U404"}, "user_not_found"),
        ("bots.info", {"bot": "B404"}, "bot_not_found"),
        ("conversations.replies", {"channel": "C00000001", "ts": "1700000000.999999"}, "thread_not_found"),
        ("views.open", {"trigger_id": "1.2.3", "view": {}}, "invalid_trigger_id"),
        ("views.update", {"view_id": "V404", "view": {}}, "not_found"),
        ("chat.delete", {}, "unknown_method"),
    ],
)
async def test_errors_are_those_of_slack(
    slack: FakeSlack, ops: Channel, method: str, arguments: dict[str, Any], error: str
) -> None:
    """What a client may get wrong is answered with Slack's code, with HTTP 200, and kept with the call."""
    slack.add_channel("elsewhere", member=False)
    slack.add_channel("secret", member=False, private=True)
    slack.add_channel("old", archived=True)
    assert (await call(slack, method, **arguments))["error"] == error
    assert [(one.method, one.status, one.error) for one in slack.calls()] == [(method, 200, error)]


async def test_text_and_blocks_are_measured(slack: FakeSlack, ops: Channel) -> None:
    """A change may be 4000 characters long, all blocks together about 13200, and faults are told with their places."""
    ts = await posted(slack, ops)
    longest = "x" * limits.UPDATED_TEXT
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text=longest))["ok"] is True
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text=longest + "x"))["error"] == "msg_too_long"
    many = [{"type": "section", "text": words(2900)}] * 5
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text="x", blocks=many[:4]))["ok"] is True
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text="x", blocks=many))[
        "error"
    ] == "msg_blocks_too_long"
    refused = await call(slack, "chat.postMessage", channel=ops.id, text="x", blocks=[actions(button(text=words(76)))])
    line = "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"
    assert refused["error"] == "invalid_blocks"
    assert refused["response_metadata"]["messages"] == [f"[ERROR] {line}"]
    assert len(slack.violations) == 3


async def test_blocks_without_a_text_are_taken_and_blamed(slack: FakeSlack, ops: Channel) -> None:
    """Slack takes them, and the notification would be empty."""
    assert (await call(slack, "chat.postMessage", channel=ops.id, blocks=[actions(button())]))["ok"] is True
    assert "no top-level text" in slack.violations[0].what


async def test_only_own_messages_are_changed(slack: FakeSlack, ops: Channel) -> None:
    """Not somebody else's, and none that is gone."""
    ts = await posted(slack, ops)
    slack.messages()[0].user = "U1"
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text="x"))["error"] == "cant_update_message"
    slack.delete_message(slack.messages()[0])
    assert (await call(slack, "chat.update", channel=ops.id, ts=ts, text="x"))["error"] == "message_not_found"


async def test_the_app_learns_who_it_is(slack: FakeSlack) -> None:
    """Workspace and bot by its token, and from the bot the app, which every payload names."""
    told = await call(slack, "auth.test")
    bot = (await call(slack, "bots.info", bot=told["bot_id"]))["bot"]
    assert (told["team_id"], bot["app_id"], bot["user_id"]) == (state.TEAM, state.APP, told["user_id"])


async def test_scopes_decide(slack: FakeSlack, ops: Channel, alice: User) -> None:
    """Without the scope a call is refused with what it needs; without that of addresses a person has none."""
    assert (await call(slack, "users.info", user=alice.id))["user"]["profile"]["email"] == "alice@example.com"
    slack.revoke_scope("users:read.email")
    assert "email" not in (await call(slack, "users.info", user=alice.id))["user"]["profile"]
    slack.revoke_scope("chat:write")
    refused = await call(slack, "chat.postMessage", channel=ops.id, text="x")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "chat:write")
    slack.revoke_scope("channels:history")
    assert (await call(slack, "conversations.history", channel=ops.id))["needed"] == "channels:history"


async def test_people_are_shown_as_what_they_are(slack: FakeSlack) -> None:
    """Bots, deleted, restricted and foreign people can be told from others."""
    bot = slack.add_user("bot", is_bot=True)
    gone = slack.add_user("gone", "gone@example.com", deleted=True)
    guest = slack.add_user("guest", "guest@example.com", is_restricted=True)
    foreign = slack.add_user("foreign", "f@other.example", team_id="T9", is_stranger=True)
    found = [(await call(slack, "users.info", user=one.id))["user"] for one in (bot, gone, guest, foreign)]
    assert [one["is_bot"] for one in found] == [True, False, False, False]
    assert [one["deleted"] for one in found] == [False, True, False, False]
    assert [one.get("is_restricted") for one in found] == [False, None, True, False]
    assert [one.get("is_stranger", False) for one in found] == [False, False, False, True]
    assert found[3]["team_id"] == "T9"


async def test_a_trigger_opens_one_view_within_three_seconds(
    slack: FakeSlack, ops: Channel, alice: User, clock: Clock
) -> None:
    """The second view, a late one, and one that is no view are refused; a view that is wrong does not use the trigger up."""
    await posted(slack, ops, blocks=[actions(button())])

    async def trigger() -> str:
        return str((await slack.click(alice, slack.messages()[0], "go")).payload["trigger_id"])

    first = await trigger()
    refused = await call(slack, "views.open", trigger_id=first, view=modal(title=words(25)))
    assert refused["response_metadata"]["messages"] == [
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    ]
    clock.now += limits.TRIGGER_SECONDS
    assert (await call(slack, "views.open", trigger_id=first, view=modal()))["ok"] is True
    assert (await call(slack, "views.open", trigger_id=first, view=modal()))["error"] == "exchanged_trigger_id"
    second = await trigger()
    clock.now += limits.TRIGGER_SECONDS + 0.1
    assert (await call(slack, "views.open", trigger_id=second, view=modal()))["error"] == "expired_trigger_id"
    (view,) = slack.views(alice)
    assert (await call(slack, "views.update", view_id=view.id, hash="old", view=modal()))["error"] == "hash_conflict"
    assert (await call(slack, "views.update", view_id=view.id, view=modal(submit=words(9))))["ok"] is True
    assert view.body["submit"] == words(9)


async def test_a_form_is_read_as_well_as_json(slack: FakeSlack, ops: Channel) -> None:
    """A token and blocks in a form, blocks as a string of JSON, as the reference allows."""
    form = {"token": slack.bot_token, "channel": ops.id, "text": "x", "blocks": '[{"type": "divider"}]'}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{slack.api_url}/chat.postMessage", data=form) as answer:
            assert (await answer.json())["ok"] is True
        for body, error in ((b"{", "invalid_json"), (b"[]", "json_not_object")):
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{slack.api_url}/auth.test", data=body, headers=headers) as answer:
                assert (await answer.json())["error"] == error
    assert slack.messages()[0].blocks == ({"type": "divider"},)
    assert "token" not in slack.calls("chat.postMessage")[0].arguments


async def test_a_path_that_slack_does_not_have_is_noticed(slack: FakeSlack) -> None:
    """An address of the API from which the last part was lost leads nowhere, and the stand-in says why."""
    async with aiohttp.ClientSession() as session, session.post(f"{slack.origin}/auth.test") as answer:
        assert answer.status == 404
    assert "end with a slash" in slack.violations[0].what
