"""Which runners a worker serves right now, asked of Temporal, so that an absent one is told while an action waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from lumen import names

_RPC_TIMEOUT = timedelta(seconds=1)
_STALE = 90.0
"""Seconds after which a poller is gone: a poll lasts up to 60 s, and Temporal lists the dead for minutes."""

_SERVED_KNOWN_FOR = 15.0
_ABSENT_KNOWN_FOR = 1.0


class Runners:
    """Looks for workers that poll the task queues of runners; an answer is kept for a moment."""

    def __init__(self, client: Client) -> None:
        """Keep the client; nothing is asked yet."""
        self._client = client
        self._known: dict[str, tuple[bool, float]] = {}

    async def unserved(self, runners: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``runners`` that no worker serves, sorted. Where Temporal does not say, it is none."""
        wanted = sorted(set(runners))
        served = await asyncio.gather(*(self._served(runner) for runner in wanted))
        return tuple(runner for runner, found in zip(wanted, served, strict=True) if not found)

    async def _served(self, runner: str) -> bool:
        found, until = self._known.get(runner, (False, 0.0))
        if time.monotonic() < until:
            return found
        try:
            found = await self._polled(runner)
        except RPCError:
            return True
        self._known[runner] = found, time.monotonic() + (_SERVED_KNOWN_FOR if found else _ABSENT_KNOWN_FOR)
        return found

    async def _polled(self, runner: str) -> bool:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=names.runner_task_queue(runner)),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
        answer = await self._client.workflow_service.describe_task_queue(request, timeout=_RPC_TIMEOUT)
        return any(time.time() - poller.last_access_time.seconds < _STALE for poller in answer.pollers)
