"""Open workflows that the code of this worker cannot carry on, as after an upgrade whose change of workflow code lacks a patch.

Temporal keeps offering such a workflow, and whatever was recorded stays. Without a look here it would only seem to wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from temporalio.api.common.v1 import WorkflowExecution as ExecutionId
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.metrics import WorkerMetrics

_LOG = logging.getLogger("lumen.worker")
_CORE = logging.getLogger("temporalio.core")
_SECONDS = 5.0
_MOST = 100
"""How many are looked at in one round; with more than that the number is a lower bound."""


class Suspects(logging.Handler):
    """Collects the runs of which Temporal's library says that a workflow task failed. ``runs`` maps run id to cause."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(logging.WARNING)
        self.runs: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the run id of a record that has one, and a failure; the library gives both as fields."""
        fields = getattr(getattr(record, "temporal_log", None), "fields", None)
        if isinstance(fields, Mapping) and {"run_id", "failure"} <= fields.keys():
            self.runs[str(fields["run_id"])] = str(fields["failure"])


async def watch_stuck(client: Client, metrics: WorkerMetrics, seconds: float = _SECONDS) -> None:
    """Keep the gauge at the number of stuck workflows, and say each once in the log, for ever.

    What the library reports may be over at the next try, so Temporal is asked whether a workflow task still fails. Costs
    nothing while nothing fails.
    """
    suspects = Suspects()
    _CORE.addHandler(suspects)
    said: set[str] = set()
    try:
        while True:
            await asyncio.sleep(seconds)
            if suspects.runs:
                try:
                    stuck = await _still_stuck(client, list(suspects.runs)[:_MOST])
                except RPCError as error:
                    _LOG.warning("the workflows that do not go on could not be counted: %s", error)
                    continue
                for run_id in [run_id for run_id in list(suspects.runs)[:_MOST] if run_id not in stuck]:
                    del suspects.runs[run_id]
                _say({run_id: name for run_id, name in stuck.items() if run_id not in said}, suspects.runs)
                said = set(stuck)
            metrics.stuck.set(len(suspects.runs))
    finally:
        _CORE.removeHandler(suspects)


async def _still_stuck(client: Client, runs: list[str]) -> dict[str, str]:
    """Return the workflow ids of those runs that are open and whose workflow task is tried again, by run id."""
    wanted = ", ".join(f"'{run_id}'" for run_id in runs)
    stuck = {}
    async for one in client.list_workflows(f"RunId IN ({wanted})"):
        request = DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=ExecutionId(workflow_id=one.id, run_id=one.run_id)
        )
        described = await client.workflow_service.describe_workflow_execution(request)
        is_open = int(described.workflow_execution_info.status) == WorkflowExecutionStatus.RUNNING
        if is_open and described.pending_workflow_task.attempt > 1:
            stuck[one.run_id] = one.id
    return stuck


def _say(stuck: dict[str, str], causes: dict[str, str]) -> None:
    for run_id, workflow_id in stuck.items():
        _LOG.error(
            "this build cannot carry %s on; nothing is lost: run the build before it again (docs/upgrades.md)",
            workflow_id,
            extra={"workflow_id": workflow_id, "run_id": run_id, "cause": causes[run_id][:500]},
        )
