"""Whether an API process takes clicks in Slack. What only an API with Slack needs is imported only there."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from lumen.errors import SettingsError
from lumen.settings import Settings

if TYPE_CHECKING:
    from api.edge import Edge
    from api.slack.desk import SlackDesk

_log = logging.getLogger("lumen.slack")


class SlackPresence:
    """The desk of this process, None where Slack's clicks are not taken."""

    desk: SlackDesk | None = None

    @contextlib.asynccontextmanager
    async def listening(self, edge: Edge) -> AsyncIterator[None]:  # noqa: ARG002 - nobody clicks here
        """Take clicks by Socket Mode while inside, where the app's token is set."""
        yield


@contextlib.asynccontextmanager
async def slack_presence(settings: Settings) -> AsyncIterator[SlackPresence]:
    """Hold what an API process needs for Slack while inside; afterwards what goes on is ended within 5 seconds.

    Raises:
        SettingsError: clicks are to be taken, and the bot token is missing without which nobody knows whose they are.

    """
    if not settings.slack_signing_secrets and not settings.slack_app_token:
        if settings.slack_bot_token:
            _log.warning(
                "Slack's buttons lead nowhere: set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)"
            )
        yield SlackPresence()
        return
    if not settings.slack_bot_token:
        given = "SLACK_APP_TOKEN" if settings.slack_app_token else "SLACK_SIGNING_SECRET"
        raise SettingsError(f"SLACK_BOT_TOKEN is not set: with {given} alone Lumen cannot know who clicks")
    # Slack's SDK and aiohttp take a sixth of the CPU of a start, and 12 MB.
    from api.slack.running import connected  # noqa: PLC0415 - what only an API with Slack needs

    async with connected(settings) as presence:
        yield presence
