"""Telling a human over the channels that have no buttons."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
from prometheus_client import CollectorRegistry

from activities.metrics import WorkerMetrics
from activities.notifying import ChannelNotifying
from lumen.showing import HumanNeeded

KEY = "alertmanager-0aa043e5d176c819"
PAGE = f"https://lumen.example/episodes/{KEY}"


async def test_whoever_is_called_finds_the_page_of_the_episode() -> None:
    """Alert and webhook lead to the page of the episode, which a person can open, and not to the JSON that wants a token."""
    bodies = {}

    async def take(request: httpx.Request) -> httpx.Response:
        bodies[request.url.host] = json.loads(request.content)
        return httpx.Response(200)

    needed = HumanNeeded(
        key=KEY,
        workflow_id=f"alert-{KEY}",
        rule="disk-full",
        target="db-1",
        alert="DiskFull",
        severity="critical",
        reason="unknown",
        text="nobody knows whether it ran",
        at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    metrics = WorkerMetrics(CollectorRegistry(), "tests")
    async with httpx.AsyncClient(transport=httpx.MockTransport(take)) as http:
        one = ChannelNotifying(http, "http://alertmanager", "http://hook/x", "https://lumen.example", metrics)
        assert (await one.tell_human(needed)).count == 2
    [alert] = bodies["alertmanager"]
    assert alert["annotations"]["lumen_url"] == PAGE
    assert bodies["hook"]["url"] == PAGE
