"""Counting the open episodes by state, from visibility, for the metric ``lumen_episodes_open``."""

from __future__ import annotations

import asyncio
import logging

from temporalio.client import Client
from temporalio.service import RPCError

from activities.metrics import WorkerMetrics
from lumen import names
from lumen.outcome import State

_LOG = logging.getLogger("lumen.worker")
_SECONDS = 15.0


async def count_open_episodes(
    client: Client, metrics: WorkerMetrics, outage: asyncio.Event, seconds: float = _SECONDS
) -> None:
    """Set the gauge every ``seconds``, for ever; while Temporal does not answer the last numbers stay.

    ``outage`` is set when it does not answer.
    """
    while True:
        try:
            for state in State:
                metrics.open.labels(state).set(await _count(client, state))
        except RPCError as error:
            outage.set()
            _LOG.warning("the open episodes could not be counted: %s", error)
        await asyncio.sleep(seconds)


async def _count(client: Client, state: State) -> int:
    running = f'WorkflowType="{names.ALERT_WORKFLOW}" AND ExecutionStatus="Running"'
    return (await client.count_workflows(f'{running} AND {names.ATTRIBUTE_STATE}="{state}"')).count
