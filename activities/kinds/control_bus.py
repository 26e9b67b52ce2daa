"""``control_bus``: a named command with arguments, posted to the control bus of ``CONTROL_BUS_TARGET``."""

from __future__ import annotations

import asyncio

from activities.kinds.http import send
from activities.kinds.protocol import Ended, KindContext
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction


class ControlBusKind:
    """Posts ``{"command", "args", "idempotency_key", "alert_key", "rule", "target"}`` as JSON."""

    def __init__(self, context: KindContext) -> None:
        """Keep where the control bus is."""
        self._context = context

    async def run(self, action: PlannedAction, plan: Plan, request: ExecuteRequest, cancel: asyncio.Event) -> Ended:
        """Post the command; 2xx is success."""
        if not self._context.control_bus_url:
            return Ended(ActionStatus.FAILED, "CONTROL_BUS_TARGET is not set on this worker")
        headers = {"Idempotency-Key": request.key}
        if self._context.control_bus_token:
            headers["Authorization"] = f"Bearer {self._context.control_bus_token}"
        body = {
            "command": action.spec["command"],
            "args": action.spec.get("args", {}),
            "idempotency_key": request.key,
            "alert_key": request.alert.key,
            "rule": plan.rule,
            "target": plan.target,
        }
        url = self._context.control_bus_url
        return await send(self._context.http, cancel, action.timeout, "POST", url, headers=headers, json=body)
