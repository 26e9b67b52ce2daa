"""The workspace of the demo: a stand-in for Slack with the two voters in it, and the page of its channel."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiohttp import web

from cli.demo.rulebook import VOTERS
from cli.demo.slack.page import ChannelPage
from cli.failure import CommandError
from cli.fakeslack import FakeSlack
from lumen.setting_types import Address

CHANNEL = "ops"


class Workspace:
    """Runs inside the demo's own process, at addresses that were chosen before anything starts."""

    def __init__(self, slack: Address, page: Address, request_url: str, bot_token: str, signing_secret: str) -> None:
        """Send clicks to ``request_url``, signed with ``signing_secret``; take calls with ``bot_token``."""
        self.slack = FakeSlack(bot_token=bot_token, signing_secret=signing_secret, port=slack.port)
        self.slack.request_url = request_url
        self.channel = self.slack.add_channel(CHANNEL)
        self.people = {email: self.slack.add_user(email.partition("@")[0], email) for email in VOTERS}
        self._page = page
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self._page}/"

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            CommandError: one of the two ports was taken meanwhile.

        """
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self.slack)
                page = ChannelPage(self.slack, self.channel, tuple(self.people.values()))
                runner = web.AppRunner(page.app(str(self._page)), access_log=None, shutdown_timeout=0.1)
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                await web.TCPSite(runner, self._page.host, self._page.port).start()
                self._stack = stack.pop_all()
        except OSError as error:
            raise CommandError(f"the stand-in for Slack cannot listen: {error.strerror}; run the demo again") from None
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop to listen."""
        await self._stack.aclose()
