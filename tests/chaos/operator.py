"""The person on call: when an older Temporal was put back, lets Lumen go on as the manual says."""

from __future__ import annotations

import asyncio
import contextlib

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from lumen import names
from tests.chaos.faults import Breaker
from tests.chaos.stack import Stack

_LOOK = 2.0


async def keep_thawed(stack: Stack, breaker: Breaker) -> None:
    """Thaw what Lumen freezes by itself after a put-back, until cancelled. Without a put-back a freeze stays, and shows."""
    client: Client | None = None
    while True:
        await asyncio.sleep(_LOOK)
        if breaker.put_back is None:
            continue
        # RuntimeError: Temporal is away for now.
        with contextlib.suppress(RPCError, RuntimeError):
            client = client or await Client.connect(stack.site.temporal_address)
            found = await client.get_workflow_handle(names.FREEZE_ID).describe()
            if found.status is WorkflowExecutionStatus.RUNNING:
                who = ("--actor", "alice@example.com", "--reason", "looked at it")
                await asyncio.to_thread(stack.site.lumen, "freeze", "off", *who)
