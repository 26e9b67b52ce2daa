"""Making the desk of an API process from its settings, and keeping it connected by Socket Mode."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import aiohttp

from api.edge import Edge
from api.slack.calls import SlackCalls, open_session
from api.slack.desk import SlackDesk
from api.slack.errors import SlackRefusedError, SlackUnreachableError
from api.slack.home import HomeFinder
from api.slack.interaction import interact
from api.slack.people import People
from api.slack.presence import SlackPresence
from api.slack.signature import Signatures
from api.slack.socket_mode import SocketMode
from lumen.settings import Settings
from lumen.wording import Wording

_log = logging.getLogger("lumen.slack")


class ConnectedSlack(SlackPresence):
    """The desk of this process and what it runs over."""

    def __init__(self, desk: SlackDesk, settings: Settings, session: aiohttp.ClientSession) -> None:
        """``session`` stays the caller's."""
        self.desk: SlackDesk = desk
        self._settings, self._session = settings, session

    @contextlib.asynccontextmanager
    async def listening(self, edge: Edge) -> AsyncIterator[None]:
        """Take clicks by Socket Mode while inside, where the app's token is set; ask early who we are, in any case."""
        desk = self.desk
        tasks = [asyncio.create_task(_learn(desk))]
        if self._settings.slack_app_token:
            calls = SlackCalls(self._session, self._settings.slack_app_token, self._settings.slack_api_base_url)
            listener = SocketMode(
                calls, self._session, lambda payload: interact(edge, desk, payload), edge.metrics.slack_connected
            )
            tasks.append(asyncio.create_task(listener.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[ConnectedSlack]:
    """Hold the desk for these settings while inside; afterwards what goes on is ended within 5 seconds."""
    async with open_session(settings.slack_api_base_url) as session:
        desk = make_desk(settings, session)
        try:
            yield ConnectedSlack(desk, settings, session)
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
