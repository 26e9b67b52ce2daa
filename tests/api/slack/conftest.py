"""One office a test: Slack, the edge and people."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from api.slack.calls import open_session
from api.slack.desk import Pace
from api.slack.running import make_desk
from cli.fakeslack import FakeSlack
from lumen.settings import Settings
from tests.api.conftest import served
from tests.api.fakes import RecordingSink, make_edge
from tests.api.slack.office import TALLY, Box, Office, Rules


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace whose clock moves a millisecond at each look: how busy this machine is makes no answer late.

    What must not be waited for lasts longer than an answer may here, or ends after it; test_outages holds the sums.
    """
    now = itertools.count(time.time(), 0.001)
    async with FakeSlack(ack_within=20, clock=lambda: next(now)) as running:
        yield running


@pytest.fixture
def slack_settings(slack: FakeSlack) -> Settings:
    """The settings of an API for this workspace, over HTTP."""
    return Settings(
        slack_bot_token=slack.bot_token,
        slack_signing_secrets=(slack.signing_secret,),
        slack_api_base_url=slack.api_url,
    )


@pytest_asyncio.fixture
async def office(slack: FakeSlack, slack_settings: Settings) -> AsyncIterator[Office]:
    """An API behind a socket, to which Slack posts what people do."""
    box, rules = Box(tally=TALLY), Rules()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(slack.api_url))
        desk = replace(make_desk(slack_settings, session), pace=Pace(pause=0.05))
        stack.push_async_callback(desk.close)
        edge = replace(make_edge(RecordingSink(), box, rules=rules), slack=desk)
        port = await stack.enter_async_context(served(create_app(edge)))
        url = f"http://127.0.0.1:{port}"
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False, timeout=20))
        slack.request_url = f"{url}/slack/interaction"
        ops, alice = slack.add_channel("ops"), slack.add_user("alice", "Alice@Example.com")
        yield Office(slack, box, rules, edge, desk, http, ops, alice)
