"""Short questions and notes of a workflow: activities of the server, since a local activity comes before its history.

A local activity runs inside a workflow task, and the history tells of it when that ends. Whoever takes over from a worker
that died in between may have heard more meanwhile and decide otherwise, after the ledger was told. And what came of local
activities may reach the workflow in another order when it is replayed
(https://github.com/temporalio/sdk-python/issues/1881).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow

from workflows.options import QuickOptions

Request = TypeVar("Request")
Answer = TypeVar("Answer")

_BY_SERVER = "no-local-activities"


async def quick(
    activity: Callable[[Any, Request], Awaitable[Answer]], request: Request, options: QuickOptions, *, summary: str = ""
) -> Answer:
    """Return what ``activity`` answers; ``summary`` is for people who look at the history.

    Raises:
        FailureError: it failed for good: an ``ActivityError``, in a run from before also an ``ApplicationError`` itself.

    """
    if workflow.patched(_BY_SERVER):
        return await workflow.execute_activity_method(activity, request, summary=summary or None, **options)
    return await workflow.execute_local_activity_method(activity, request, **options)
