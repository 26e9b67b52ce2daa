"""The methods about messages: posting, changing, showing to one person, reading back.

Errors as the reference pages of the methods list them, in the order in which a client meets them.
"""

from __future__ import annotations

import re
from typing import Any

from cli.fakeslack import limits
from cli.fakeslack.answering import Arguments, Refusal
from cli.fakeslack.blocks import characters, faults_of_message
from cli.fakeslack.state import APP, BOT, BOT_USER, TEAM, Channel, Ephemeral, Message, State, Version

_TS = re.compile(r"\d{10}\.\d{6}")
_METADATA = {"event_type", "event_payload"}


def content(arguments: Arguments, most: int) -> tuple[str, list[dict[str, Any]] | None]:
    """Return text and blocks of a message, the blocks None if there are none in the call; the same checks everywhere.

    Raises:
        Refusal: ``no_text``, ``msg_too_long``, ``invalid_blocks_format``, ``invalid_blocks``, ``msg_blocks_too_long``.

    """
    text, blocks = arguments.text("text"), arguments.json("blocks", "invalid_blocks_format")
    if blocks is not None and not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format", "blocks is no array")
    if not text and not blocks:
        raise Refusal("no_text", "neither text nor blocks")
    if len(text) > most:
        raise Refusal("msg_too_long", f"text has {len(text)} characters, and {most} are allowed")
    if blocks is not None:
        if faults := faults_of_message(blocks):
            raise Refusal.of_faults("invalid_blocks", faults)
        if (length := characters(blocks)) > limits.ALL_BLOCKS:
            raise Refusal("msg_blocks_too_long", f"all blocks have {length} characters together")
    return text, blocks


def post(state: State, arguments: Arguments) -> dict[str, Any]:
    """Answer ``chat.postMessage``."""
    channel = _writable(state, state.find_channel(arguments.need("channel")))
    text, blocks = content(arguments, limits.POSTED_TEXT)
    _want_fallback(state, "chat.postMessage", text)
    thread_ts = arguments.text("thread_ts")
    if thread_ts and not _TS.fullmatch(thread_ts):
        raise Refusal("invalid_thread_ts", f"thread_ts is {thread_ts!r}")
    if thread_ts and state.find_message(channel.id, thread_ts) is None:
        raise Refusal("thread_not_found")
    version = Version(text, tuple(blocks or ()), _metadata(arguments) or {}, state.clock())
    message = Message(
        channel.id,
        state.next_ts(),
        [version],
        thread_ts=thread_ts,
        broadcast=bool(thread_ts) and arguments.flag("reply_broadcast"),
        options={name: arguments.values[name] for name in ("unfurl_links", "unfurl_media") if name in arguments.values},
    )
    state.messages.append(message)
    return {"channel": channel.id, "ts": message.ts, "message": document(state, message, metadata=True)}


def update(state: State, arguments: Arguments) -> dict[str, Any]:
    """Answer ``chat.update``: text without blocks takes the blocks away, metadata stays unless it is given."""
    channel = state.channels.get(arguments.need("channel"))
    if channel is None or (channel.private and not channel.member):
        raise Refusal("channel_not_found")
    message = state.find_message(channel.id, arguments.need("ts"))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != BOT_USER or message.webhook:
        raise Refusal("cant_update_message")
    if channel.archived:
        raise Refusal("is_inactive")
    text, blocks = content(arguments, limits.UPDATED_TEXT)
    _want_fallback(state, "chat.update", text)
    metadata = _metadata(arguments)
    kept = message.now.metadata if metadata is None else metadata
    message.versions.append(Version(text, tuple(blocks or ()), kept, state.clock()))
    shown = document(state, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": shown}


def show_to_one(state: State, arguments: Arguments) -> dict[str, Any]:
    """Answer ``chat.postEphemeral``."""
    channel = _writable(state, state.find_channel(arguments.need("channel")))
    user = arguments.need("user")
    if user not in state.users or state.users[user].deleted:
        raise Refusal("user_not_in_channel")
    text, blocks = content(arguments, limits.POSTED_TEXT)
    _want_fallback(state, "chat.postEphemeral", text)
    thread_ts = arguments.text("thread_ts")
    state.ephemerals.append(
        Ephemeral(user, channel.id, text, tuple(blocks or ()), thread_ts, state.clock(), "chat.postEphemeral")
    )
    return {"message_ts": state.next_ts()}


def history(state: State, arguments: Arguments) -> dict[str, Any]:
    """Answer ``conversations.history``: newest first, replies only where they were broadcast."""
    channel = _readable(state, arguments.need("channel"))
    found = [one for one in _kept(state, channel) if not one.thread_ts or one.broadcast]
    return _page(state, arguments, found[::-1])


def replies(state: State, arguments: Arguments) -> dict[str, Any]:
    """Answer ``conversations.replies``: the message at the head of the thread first, then its replies, oldest first."""
    channel = _readable(state, arguments.need("channel"))
    ts = arguments.need("ts")
    if state.find_message(channel.id, ts) is None:
        raise Refusal("thread_not_found")
    return _page(state, arguments, [one for one in _kept(state, channel) if ts in {one.ts, one.thread_ts}])


def document(state: State, message: Message, *, metadata: bool) -> dict[str, Any]:
    """Return a message as Slack gives it to apps."""
    shown: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM,
        "blocks": [{"block_id": f"b{position}", **block} for position, block in enumerate(message.blocks)],
    }
    if message.user == BOT_USER:
        shown |= {"bot_id": BOT, "app_id": APP}
    if len(message.versions) > 1:
        shown["edited"] = {"user": message.user, "ts": f"{int(message.now.at)}.000000"}
    if metadata and message.now.metadata:
        shown["metadata"] = message.now.metadata
    answers = [one for one in state.messages if (one.channel, one.thread_ts) == (message.channel, message.ts)]
    if message.thread_ts or answers:
        shown["thread_ts"] = message.thread_ts or message.ts
    return shown | ({"reply_count": len(answers)} if answers else {})


def _want_fallback(state: State, where: str, text: str) -> None:
    # Slack takes such a message, with a warning, and then its notification says nothing.
    if not text:
        state.blame(where, "no top-level text: the notification of this message is empty")


def _writable(state: State, channel: Channel | None) -> Channel:
    if channel is None or (channel.private and not channel.member):
        raise Refusal("channel_not_found")
    if channel.archived:
        raise Refusal("is_archived")
    if not channel.member and "chat:write.public" not in state.scopes:
        raise Refusal("not_in_channel")
    return channel


def _readable(state: State, name: str) -> Channel:
    channel = state.channels.get(name)
    if channel is None or (channel.private and not channel.member):
        raise Refusal("channel_not_found")
    scope = "groups:history" if channel.private else "channels:history"
    if scope not in state.scopes:
        raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(state.scopes)))
    if not channel.member:
        raise Refusal("not_in_channel")
    return channel


def _metadata(arguments: Arguments) -> dict[str, Any] | None:
    value = arguments.json("metadata", "invalid_metadata_format")
    if value is None or value == {}:
        return None if value is None else {}
    if not isinstance(value, dict) or set(value) != _METADATA or not isinstance(value["event_payload"], dict):
        raise Refusal("invalid_metadata_format", "metadata wants event_type and an object event_payload")
    if not isinstance(value["event_type"], str) or not value["event_type"]:
        raise Refusal("invalid_metadata_format", "event_type of metadata is no text")
    if len(str(value)) > limits.METADATA_BYTES:
        raise Refusal("metadata_too_large", f"metadata has more than {limits.METADATA_BYTES} bytes")
    return value


def _kept(state: State, channel: Channel) -> list[Message]:
    return [one for one in state.messages if one.channel == channel.id and not one.deleted]


def _page(state: State, arguments: Arguments, found: list[Message]) -> dict[str, Any]:
    oldest, latest = arguments.text("oldest") or "0", arguments.text("latest") or "9999999999.999999"
    inclusive = arguments.flag("inclusive")
    chosen = [
        one
        for one in found
        if float(oldest) < float(one.ts) < float(latest) or (inclusive and one.ts in {oldest, latest})
    ]
    start, limit = arguments.number("cursor", 0), arguments.number("limit", 100)
    page, more = chosen[start : start + limit], len(chosen) > start + limit
    metadata = arguments.flag("include_all_metadata")
    answer = {"messages": [document(state, one, metadata=metadata) for one in page], "has_more": more}
    return answer | ({"response_metadata": {"next_cursor": str(start + limit)}} if more else {})
