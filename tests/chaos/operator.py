"""The person on call: lets Lumen go on after a put-back, and interferes with episodes as the manual allows."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from lumen import names
from tests.chaos.plan import Fault
from tests.chaos.stack import Stack

_LOOK = 2.0
_PATIENCE = 10.0
_OPEN = f'WorkflowType = "{names.ALERT_WORKFLOW}" AND ExecutionStatus = "Running"'


async def keep_thawed(stack: Stack, was_put_back: Callable[[], bool]) -> None:
    """Thaw what Lumen freezes by itself after a put-back, until cancelled. Without a put-back a freeze stays, and shows."""
    client: Client | None = None
    while True:
        await asyncio.sleep(_LOOK)
        if not was_put_back():
            continue
        # RuntimeError: Temporal is away for now.
        with contextlib.suppress(RPCError, RuntimeError):
            client = client or await Client.connect(stack.site.temporal_address)
            found = await client.get_workflow_handle(names.FREEZE_ID).describe()
            if found.status is WorkflowExecutionStatus.RUNNING:
                who = ("--actor", "alice@example.com", "--reason", "looked at it")
                await asyncio.to_thread(stack.site.lumen, "freeze", "off", *who)


async def cancel_some(stack: Stack, fault: Fault) -> list[str]:
    """Cancel open episodes in Temporal, as ``temporal workflow cancel`` does; return which."""
    chosen = await _some(stack, fault, int(fault.detail))
    for handle in chosen:
        with contextlib.suppress(RPCError):
            await handle.cancel()
    return [handle.id for handle in chosen]


async def override_some(stack: Stack, fault: Fault) -> list[str]:
    """Send open episodes an override, as ``temporal workflow signal`` does; return which."""
    decision, number = fault.detail.split()
    who = {"decision": decision, "actor": "alice@example.com", "reason": "as the manual says"}
    chosen = await _some(stack, fault, int(number))
    for handle in chosen:
        with contextlib.suppress(RPCError):
            await handle.signal(names.SIGNAL_OVERRIDE, who)
    return [handle.id for handle in chosen]


async def _some(stack: Stack, fault: Fault, number: int) -> list[WorkflowHandle[Any, Any]]:
    """Return ``number`` open episodes, as soon as there are so many; none if Temporal stays away."""
    chance = random.Random(f"episodes {stack.trial} {fault.at}")  # noqa: S311 - repeatable, not secret
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        # RuntimeError: Temporal is away for now.
        with contextlib.suppress(RPCError, RuntimeError):
            client = await Client.connect(stack.site.temporal_address)
            open_ = sorted([run.id async for run in client.list_workflows(_OPEN)])
            if len(open_) >= number:
                return [client.get_workflow_handle(name) for name in chance.sample(open_, number)]
        await asyncio.sleep(0.5)
    return []
