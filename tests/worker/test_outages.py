"""Noticing that Temporal was away: which answers of a server mean that, with a service that answers as it is told."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from worker.outages import watch_temporal

SERVER_IS_THERE = {
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.UNIMPLEMENTED,
}


class Service:
    """Answers one poll with a status and every later one never; ``asked`` has the polls."""

    def __init__(self, status: RPCStatusCode | None) -> None:
        """None: the first poll comes back empty."""
        self.status = status
        self.asked: list[Any] = []
        self.waiting = asyncio.Event()

    async def poll_activity_task_queue(self, poll: Any, **_: Any) -> None:
        """Answer the first poll."""
        self.asked.append(poll)
        if len(self.asked) > 1:
            self.waiting.set()
            await asyncio.Event().wait()
        if self.status is not None:
            raise RPCError("told so", self.status, b"")


async def watched(status: RPCStatusCode | None, *, polls_again: bool) -> bool:
    """Watch a service that answers so; return whether that was an outage."""
    service, outage = Service(status), asyncio.Event()
    client = cast("Client", SimpleNamespace(workflow_service=service, namespace="default", identity="tests"))
    watching = asyncio.create_task(watch_temporal(client, outage))
    async with asyncio.timeout(10):
        if polls_again:
            await service.waiting.wait()
        while not service.asked:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert service.asked[0].task_queue.name == "lumen-watch"
    return outage.is_set()


@pytest.mark.parametrize("status", [one for one in RPCStatusCode if one not in {*SERVER_IS_THERE, RPCStatusCode.OK}])
async def test_a_connection_that_may_have_broken_is_an_outage(
    status: RPCStatusCode, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused, reset, cut off, cancelled or unknown: seen, said once, and watched on at once."""
    caplog.set_level(logging.WARNING)
    assert await watched(status, polls_again=True)
    assert [record.message for record in caplog.records] == [
        "Temporal cannot be reached, or a connection to it broke: told so"
    ]


@pytest.mark.parametrize("status", sorted(SERVER_IS_THERE))
async def test_a_refusal_is_none_and_is_said(status: RPCStatusCode, caplog: pytest.LogCaptureFixture) -> None:
    """A server that refuses the poll is there: nothing is compared, and the log says that outages are not noticed."""
    caplog.set_level(logging.WARNING)
    assert not await watched(status, polls_again=False)
    assert [record.message for record in caplog.records] == [
        "a short outage of Temporal would not be noticed, since the server refuses to be watched: told so"
    ]


async def test_an_empty_answer_is_none(caplog: pytest.LogCaptureFixture) -> None:
    """A poll that nothing came for is no news: another one follows."""
    assert not await watched(None, polls_again=True)
    assert caplog.records == []
