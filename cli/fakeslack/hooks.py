"""What apps post to without a token: incoming webhooks and response URLs ("Sending messages using incoming webhooks",
"Handling user interaction").
"""

from __future__ import annotations

from typing import Any

from cli.fakeslack import limits
from cli.fakeslack.answering import Arguments, Refusal
from cli.fakeslack.messages import content
from cli.fakeslack.state import Ephemeral, Message, State, Version

_OF_RESPONSE = {
    *("text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts"),
    *("unfurl_links", "unfurl_media", "metadata", "mrkdwn", "attachments"),
}


def incoming(state: State, channel: str, arguments: Arguments) -> None:
    """Post a message to the channel of a webhook.

    Raises:
        Refusal: its ``error`` is the body of the answer.

    """
    if channel not in state.channels:
        raise Refusal("channel_not_found")
    if state.channels[channel].archived:
        raise Refusal("channel_is_archived")
    text, blocks = content(arguments, limits.POSTED_TEXT)
    if not text:
        state.blame("webhook", "no top-level text: the notification of this message is empty")
    version = Version(text, tuple(blocks or ()), {}, state.clock())
    state.messages.append(Message(channel, state.next_ts(), [version], webhook=True))


def respond(state: State, name: str, arguments: Arguments) -> None:
    """Answer to what a person did, at the response URL ``name``.

    Raises:
        Refusal: ``used_url``, ``expired_url``, or what is wrong with the message.

    """
    url = state.response_urls.get(name)
    if url is None:
        raise Refusal("invalid_url", "a response URL that nobody was given")
    if state.clock() - url.at > limits.RESPONSE_URL_SECONDS:
        raise Refusal("expired_url", "a response URL used after 30 minutes")
    if url.uses >= limits.RESPONSE_URL_USES:
        raise Refusal("used_url", f"a response URL used more than {limits.RESPONSE_URL_USES} times")
    if unknown := sorted(set(arguments.values) - _OF_RESPONSE):
        raise Refusal("invalid_payload", f"unknown in an answer to a response URL: {', '.join(unknown)}")
    original = state.find_message(url.channel, url.message)
    if arguments.flag("delete_original"):
        if original:
            original.deleted = True
        url.uses += 1
        return
    text, blocks = content(arguments, limits.POSTED_TEXT)
    url.uses += 1
    shown: tuple[dict[str, Any], ...] = tuple(blocks or ())
    # Slack replaces the message that was clicked unless the answer says that it must not.
    if arguments.values.get("replace_original", True) not in {False, "false"} and original and not _kind(arguments):
        original.versions.append(Version(text, shown, original.now.metadata, state.clock()))
    elif _kind(arguments) == "in_channel":
        version = Version(text, shown, {}, state.clock())
        state.messages.append(Message(url.channel, state.next_ts(), [version], thread_ts=arguments.text("thread_ts")))
    else:
        thread_ts = arguments.text("thread_ts")
        shown_to_one = Ephemeral(url.user, url.channel, text, shown, thread_ts, state.clock(), "response_url", name)
        state.ephemerals.append(shown_to_one)


def _kind(arguments: Arguments) -> str:
    return arguments.text("response_type")
