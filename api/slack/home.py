"""The workspace and the app that the bot token belongs to: what is of another one is not for us."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from api.slack.calls import SlackCalls
from api.slack.errors import SlackRefusedError
from api.slack.flights import Flights

_ASK_SECONDS = 10.0
_log = logging.getLogger("lumen.slack")


@dataclass(frozen=True)
class Home:
    """``team`` and ``app`` are Slack's ids; ``app`` is empty where Slack does not tell it."""

    team: str
    app: str


class HomeFinder:
    """Asks Slack once."""

    def __init__(self, calls: SlackCalls) -> None:
        """``calls`` is Slack by the bot token."""
        self._calls = calls
        self._home: Home | None = None
        self._flights: Flights[Home] = Flights()

    async def find(self) -> Home:
        """Return the home; raises :class:`SlackRefusedError` or :class:`SlackUnreachableError` while it is not known."""
        return self._home or await self._flights.join("", self._ask)

    async def close(self) -> None:
        """End what is on its way."""
        await self._flights.close()

    async def _ask(self) -> Home:
        told = await self._calls.call("auth.test", _ASK_SECONDS)
        team = told.get("team_id")
        if not isinstance(team, str) or not team:
            raise SlackRefusedError("auth.test", "it names no workspace")
        self._home = Home(team, await self._app(told))
        _log.info("Slack: workspace %s, app %s", self._home.team, self._home.app or "unknown")
        return self._home

    async def _app(self, told: dict[str, object]) -> str:
        # A bot token learns its bot's id by auth.test, and only from that the id of its app.
        app = told.get("app_id")
        if isinstance(app, str) and app:
            return app
        try:
            bot = (await self._calls.call("bots.info", _ASK_SECONDS, verb="GET", bot=told.get("bot_id"))).get("bot")
        except SlackRefusedError as error:
            _log.warning("%s; clicks are checked by workspace and signature, not by app: grant users:read", error)
            return ""
        app = bot.get("app_id") if isinstance(bot, dict) else None
        return app if isinstance(app, str) else ""
