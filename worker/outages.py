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
_REFUSED_PAUSE = 60.0
_LONG_POLL = timedelta(seconds=50)
"""A server answers a poll that nothing came for within a minute, and a second before its caller gives up. Shorter than that
minute, since proxies cut off what is silent for one."""
_REFUSED = {
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.UNIMPLEMENTED,
}
"""Answers of a server that is there. All others may be a connection that broke; to be wrong costs one comparison."""


async def watch_temporal(client: Client, outage: asyncio.Event) -> None:
    """Set ``outage`` whenever Temporal cannot be reached or a connection to it breaks, for ever.

    Waits in a poll of a task queue in which nothing ever is: questions, however frequent, would miss a restart between two
    of them, and a development server takes less than half a second for one.
    """
    queue = TaskQueue(name=names.WATCH_TASK_QUEUE)
    poll = PollActivityTaskQueueRequest(namespace=client.namespace, task_queue=queue, identity=client.identity)
    said: RPCStatusCode | None = None
    while True:
        status = None
        try:
            await client.workflow_service.poll_activity_task_queue(poll, retry=False, timeout=_LONG_POLL)
        except RPCError as error:
            status = error.status
            if status not in _REFUSED:
                outage.set()
            if status is not said:
                _LOG.warning(_SAID[status in _REFUSED], error)
        said = status
        await asyncio.sleep(_REFUSED_PAUSE if status in _REFUSED else _PAUSE)


_SAID = {
    True: "a short outage of Temporal would not be noticed, since the server refuses to be watched: %s",
    False: "Temporal cannot be reached, or a connection to it broke: %s",
}
