"""``proof: true``: the action is its own two entries in the ledger; there is nothing else to do."""

from __future__ import annotations

import asyncio

from activities.kinds.protocol import Ended
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction


class ProofKind:
    """Records that the attempt came this far."""

    async def run(
        self,
        action: PlannedAction,  # noqa: ARG002 - the protocol's signature
        plan: Plan,  # noqa: ARG002
        request: ExecuteRequest,  # noqa: ARG002
        cancel: asyncio.Event,  # noqa: ARG002
    ) -> Ended:
        """Succeed."""
        return Ended(ActionStatus.SUCCEEDED)
