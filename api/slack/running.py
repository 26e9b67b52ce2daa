"""Making the desk of an API process from its settings, and keeping it connected by Socket Mode."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from api.edge import Edge
from api.slack.calls import SlackCalls, open_session
from api.slack.desk import SlackDesk
from api.slack.errors import SlackRefusedError, SlackUnreachableError
from api.slack.home import HomeFinder
from api.slack.interaction import interact
from api.slack.people import People
from api.slack.signature import Signatures
from api.slack.socket_mode import SocketMode
from lumen.errors import SettingsError
from lumen.settings import Settings
from lumen.wording import Wording

_log = logging.getLogger("lumen.slack")


@dataclass(frozen=True)
class SlackPresence:
    """The desk of this process, None where Slack's clicks are not taken, and what it runs over."""

    desk: SlackDesk | None
    settings: Settings
    session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def listening(self, edge: Edge) -> AsyncIterator[None]:
        """Take clicks by Socket Mode while inside, where the app's token is set; ask early who we are, in any case."""
        if self.desk is None or self.session is None:
            yield
            return
        tasks = [asyncio.create_task(_learn(self.desk))]
        if self.settings.slack_app_token:
            desk = self.desk
            calls = SlackCalls(self.session, self.settings.slack_app_token, self.settings.slack_api_base_url)
            listener = SocketMode(
                calls, self.session, lambda payload: interact(edge, desk, payload), edge.metrics.slack_connected
            )
            tasks.append(asyncio.create_task(listener.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


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
        yield SlackPresence(None, settings)
        return
    if not settings.slack_bot_token:
        given = "SLACK_APP_TOKEN" if settings.slack_app_token else "SLACK_SIGNING_SECRET"
        raise SettingsError(f"SLACK_BOT_TOKEN is not set: with {given} alone Lumen cannot know who clicks")
    async with open_session(settings.slack_api_base_url) as session:
        desk = make_desk(settings, session)
        try:
            yield SlackPresence(desk, settings, session)
        finally:
            await desk.close()


def make_desk(settings: Settings, session: aiohttp.ClientSession) -> SlackDesk:
    """Return the desk for these settings; ``session`` stays the caller's."""
    calls = SlackCalls(session, settings.slack_bot_token, settings.slack_api_base_url)
    signatures = Signatures(settings.slack_signing_secrets) if settings.slack_signing_secrets else None
    return SlackDesk(calls, HomeFinder(calls), People(calls), Wording(settings.lang), signatures)


async def _learn(desk: SlackDesk) -> None:
    """Ask who we are before the first click needs it."""
    try:
        await desk.home.find()
    except (SlackRefusedError, SlackUnreachableError) as error:
        _log.warning("%s: clicks are not taken until Slack answers; check SLACK_BOT_TOKEN", error)
