"""A stand-in for Slack, and episodes that are shown in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from prometheus_client import CollectorRegistry

from activities.metrics import WorkerMetrics
from activities.notification.errors import SlackError
from activities.notification.journal import Journal
from activities.notification.opening import open_showing
from activities.notification.protocol import EpisodeShowing
from cli.fakeslack.fake import FakeSlack
from cli.fakeslack.state import Channel
from lumen.settings import Settings
from lumen.showing import Posted, Shown, ShowRequest

TOKEN = "xoxb-stand-in"


@dataclass
class Stage:
    """A worker's side of Slack against the stand-in. ``errors`` are those of the tries so far.

    ``kept`` and ``first`` are the last and the first heartbeat of the last try.
    """

    slack: FakeSlack
    settings: Settings
    ops: Channel
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    errors: list[SlackError] = field(default_factory=list)
    kept: dict[str, Any] | None = None
    first: dict[str, Any] | None = None
    opened: list[EpisodeShowing] = field(default_factory=list)
    _showing: EpisodeShowing | None = None

    def use(self, **changes: Any) -> None:
        """Change the settings; what was opened before stays as it was."""
        self.settings = replace(self.settings, **changes)
        self._showing = None

    @property
    def showing(self) -> EpisodeShowing:
        """What a worker with these settings shows episodes with."""
        if self._showing is None:
            self.registry = CollectorRegistry()
            found = open_showing(self.settings, WorkerMetrics(self.registry, "tests").slack_requests)
            assert found is not None
            self._showing = found
            self.opened.append(found)
        return self._showing

    async def once(self, request: ShowRequest, *, retried: bool = False, forget: bool = False) -> Shown | None:
        """Try once, as Temporal does: a retry has the journal of the try before unless the worker died (``forget``)."""
        journal = Journal(self._keep, None if forget or not retried else self.kept, retried=retried)
        if not retried:
            self.kept = None
            journal = Journal(self._keep)
        self.first = None
        try:
            return await self.showing.show(request, journal)
        except SlackError as error:
            journal.over()
            self.errors.append(error)
            return None

    async def show(self, request: ShowRequest) -> tuple[Posted, ...]:
        """Show what must be shown at the first try."""
        shown = await self.once(request)
        assert shown is not None, self.errors
        return shown.posted

    def counted(self, method: str, outcome: str) -> float:
        """Return how often calls of a method came to an outcome."""
        return (
            self.registry.get_sample_value("lumen_slack_requests_total", {"method": method, "outcome": outcome}) or 0.0
        )

    def _keep(self, journal: dict[str, Any]) -> None:
        self.first = self.first or journal
        self.kept = journal


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """A Slack with the channels #ops and #leads, and a worker whose default channel is the id of #ops."""
    async with FakeSlack(bot_token=TOKEN) as slack:
        ops = slack.add_channel("ops")
        slack.add_channel("leads")
        settings = Settings(
            slack_bot_token=TOKEN,
            slack_channel=ops.id,
            slack_api_base_url=slack.api_url,
            public_base_url="https://lumen.example",
            bridge_keys={"k1": "a-secret-of-the-tests"},
        )
        one = Stage(slack, settings, ops)
        yield one
        for showing in one.opened:
            await showing.close()


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
