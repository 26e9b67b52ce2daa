"""Noticing that Temporal was away, however shortly: an older copy of its database may be back when it answers again."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from lumen import names

_LOG = logging.getLogger("lumen.worker")
_PAUSE = 0.1
_REFUSED_PAUSE = 5.0
_LONG_POLL = timedelta(seconds=70)
"""More than the minute after which a server answers a poll that nothing came for, as Temporal's own libraries wait."""
_THERE = {
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    # Slow: a process that is gone closes its connections. A long silence is seen by the counting of episodes.
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
}


async def watch_temporal(client: Client, outage: asyncio.Event) -> None:
    """Set ``outage`` whenever Temporal cannot be reached or a connection to it breaks, for ever.

    Waits in a poll of a task queue in which nothing ever is: questions, however frequent, would miss a restart between two
    of them, and a development server takes less than half a second for one.
    """
    queue = TaskQueue(name=names.WATCH_TASK_QUEUE)
    poll = PollActivityTaskQueueRequest(namespace=client.namespace, task_queue=queue, identity=client.identity)
    said = False
    while True:
        pause = _PAUSE
        try:
            await client.workflow_service.poll_activity_task_queue(poll, retry=False, timeout=_LONG_POLL)
            said = False
        except RPCError as error:
            if error.status in _THERE:
                said, pause = False, _REFUSED_PAUSE
            else:
                outage.set()
                if not said:
                    _LOG.warning("Temporal cannot be reached, or a connection to it broke: %s", error)
                said = True
        await asyncio.sleep(pause)
