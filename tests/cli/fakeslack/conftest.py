"""A stand-in for Slack with a channel, two people and a clock of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cli.fakeslack import Channel, FakeSlack, User
from tests.cli.fakeslack.samples import Clock


@pytest.fixture
def clock() -> Clock:
    """The clock of the stand-in."""
    return Clock()


@pytest_asyncio.fixture
async def slack(clock: Clock) -> AsyncIterator[FakeSlack]:
    """A running stand-in whose patience with acknowledgements is short."""
    async with FakeSlack(clock=clock, ack_within=0.3) as running:
        yield running


@pytest.fixture
def ops(slack: FakeSlack) -> Channel:
    """A channel that the app is in."""
    return slack.add_channel("ops")


@pytest.fixture
def alice(slack: FakeSlack) -> User:
    """A person."""
    return slack.add_user("alice", "alice@example.com")
