"""Why Slack did not do what it was asked, sorted by what helps."""

from __future__ import annotations

from enum import StrEnum

from lumen.errors import LumenError


class Kind(StrEnum):
    """What kind of failure it is; also the metric label ``outcome``.

    limited: too many calls. gone: the message is not there any more, or is not ours. setup: somebody has to change
    something in Slack or in the settings. malformed: Slack does not take this message. down: no answer, or none that is
    Slack's.
    """

    LIMITED = "limited"
    GONE = "gone"
    SETUP = "setup"
    MALFORMED = "malformed"
    DOWN = "down"


class SlackError(LumenError):
    """One call failed. ``code`` is Slack's word for it; no token and no address of a webhook is ever in the text.

    ``retry_after``: seconds that Slack wants to be left alone, 0 if it did not say. ``done``: it may have been done all the
    same, since the answer did not come.
    """

    reason = "slack"

    def __init__(self, kind: Kind, code: str, *, retry_after: float = 0.0, done: bool = False) -> None:
        super().__init__(f"Slack: {code}")
        self.kind = kind
        self.code = code
        self.retry_after = retry_after
        self.done = done


_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "is_inactive"}
_MALFORMED = {
    "invalid_arguments",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_metadata_format",
    "metadata_too_large",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "invalid_payload",
}
_DOWN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "rollup_error"}
_LIMITED = {"ratelimited", "rate_limited", "message_limit_exceeded"}

_FIXES = {
    "invalid_auth": "check SLACK_BOT_TOKEN",
    "not_authed": "check SLACK_BOT_TOKEN",
    "token_revoked": "install the app again and set its new SLACK_BOT_TOKEN",
    "token_expired": "install the app again and set its new SLACK_BOT_TOKEN; switch token rotation off",
    "account_inactive": "install the app again and set its new SLACK_BOT_TOKEN",
    "not_allowed_token_type": "SLACK_BOT_TOKEN must be the one that begins with xoxb-",
    "missing_scope": "give the app the scopes in deploy/slack/manifest.yaml and install it again",
    "not_in_channel": "invite the app to the channel: /invite @Lumen",
    "channel_not_found": "check the channel in SLACK_CHANNEL and the rules; invite the app if it is a private one",
    "is_archived": "choose another channel in SLACK_CHANNEL and the rules",
    "no_channel": "set SLACK_CHANNEL, or give the rule a channel",
    "no_service": "make a new incoming webhook and set SLACK_WEBHOOK",
}


def kind_of(code: str) -> Kind:
    """Return what kind of failure Slack's error ``code`` is; what is not known is for a human to look at."""
    if code in _GONE:
        return Kind.GONE
    if code in _MALFORMED:
        return Kind.MALFORMED
    if code in _DOWN:
        return Kind.DOWN
    return Kind.LIMITED if code in _LIMITED else Kind.SETUP


def fix_of(code: str) -> str:
    """Return what to do about an error of kind ``setup``."""
    return _FIXES.get(code, "look the word up in Slack's reference of chat.postMessage")
