"""Chooses how episodes are shown, from the settings."""

from __future__ import annotations

from prometheus_client import Counter

from activities.notification.calls import SlackCalls
from activities.notification.lines import LineWriter
from activities.notification.message import MessageWriter
from activities.notification.protocol import EpisodeShowing
from activities.notification.slack import SlackShowing
from activities.notification.webhook import Links, WebhookShowing
from lumen.settings import Settings
from lumen.wording import Wording


def open_showing(settings: Settings, requests: Counter) -> EpisodeShowing | None:
    """Return what shows episodes: the Slack app if there is a bot token, else the incoming webhook, else nothing.

    ``requests`` counts calls by ``method`` and ``outcome``.
    """
    words = Wording(settings.lang)
    messages = MessageWriter(words, settings.public_base_url)
    calls = SlackCalls(settings.slack_bot_token, settings.slack_api_base_url, requests)
    lines = LineWriter(words, messages)
    if settings.slack_bot_token:
        return SlackShowing(calls, settings.slack_channel, messages, lines)
    if settings.slack_webhook:
        links = Links(settings.public_base_url, settings.bridge_keys, settings.link_ttl_sec)
        return WebhookShowing(calls, settings.slack_webhook, links, messages, lines)
    return None
