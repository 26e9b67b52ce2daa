"""Somebody who follows episodes: keeps every message that is shown, and can be made to fail or to be slow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx

from activities.notification.errors import Kind, SlackError
from activities.notification.journal import Journal
from activities.notifying import ChannelNotifying
from lumen.showing import Line, Note, Posted, Shown, ShowRequest
from tests.stack.bench import PATIENCE, Bench
from tests.stack.sandbox import sandbox
from worker.wiring import build_workers, wire


@dataclass
class Follower:
    """Stands where Slack would. ``down``: refuse every call; ``hold``: what a call waits for."""

    calls: list[ShowRequest] = field(default_factory=list)
    tries: int = 0
    down: bool = False
    running: int = 0
    together: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Let calls through."""
        self.hold.set()

    async def show(self, request: ShowRequest, journal: Journal) -> Shown:
        """Take one call."""
        self.tries += 1
        self.running += 1
        self.together = max(self.together, self.running)
        try:
            await self.hold.wait()
        finally:
            self.running -= 1
        if self.down:
            raise SlackError(Kind.DOWN, "service_unavailable")
        self.calls.append(request)
        known = {posted.asked: posted for posted in request.posted}
        return Shown(
            tuple(known.get(asked) or Posted(asked, f"C{asked}", f"ts-{len(self.calls)}") for asked in request.channels)
        )

    async def close(self) -> None:
        """Have nothing to close."""

    def lines(self, key: str = "") -> list[Line]:
        """Return every line that was said, in order."""
        return [line for call in self.calls if key in {"", call.key} for line in call.lines]

    def notes(self) -> list[Note]:
        """Return what the lines are about."""
        return [line.note for line in self.lines()]

    async def until(self, note: Note, count: int = 1) -> list[Line]:
        """Wait until so many lines of this kind were said, and return them."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [line for line in self.lines() if line.note is note]) < count:
                await asyncio.sleep(0.02)
        return found

    async def until_shown(self, **wanted: object) -> ShowRequest:
        """Wait until the newest message says this."""
        async with asyncio.timeout(PATIENCE):
            while not self.calls or any(self.calls[-1].document[name] != value for name, value in wanted.items()):
                await asyncio.sleep(0.02)
        return self.calls[-1]

    async def until_tried(self, count: int) -> None:
        """Wait until it was called so often."""
        async with asyncio.timeout(PATIENCE):
            while self.tries < count:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def followed(bench: Bench, follower: Follower) -> AsyncIterator[None]:
    """Run workers that show episodes to ``follower`` while inside."""
    settings = replace(bench.settings, slack_webhook="http://127.0.0.1:9/never-called")
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        wired = wire(settings, bench.client, http, bench.source, bench.metrics)
        notifying = ChannelNotifying(
            http,
            settings.alertmanager_url,
            settings.notify_webhook_url,
            settings.public_base_url,
            bench.metrics,
            follower,
        )
        await wired.close()
        for worker in build_workers(bench.client, replace(wired, notifying=notifying), ("default",), sandbox()):
            await stack.enter_async_context(worker)
        yield
