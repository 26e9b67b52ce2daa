"""What happens between workflows: delivering queued alerts, looking after dead holders, waking what was blocked."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from temporalio import activity
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.metrics import SOURCES, WorkerMetrics
from activities.routing import AlertRouter
from lumen import names
from lumen.alert import Alert
from lumen.contracts import Routing
from lumen.messages import Delivered, Delivery, Done, HolderQuestion, HolderState, WakeRequest
from lumen.outcome import State
from rules.match import rule_for
from rules.source import RuleSource

PARALLEL = 8
"""Alerts handed over at once by one activity."""

BACKLOG = 40
"""Workflow tasks waiting for a worker above which nothing more is started: starts must not outrun completions."""

_PAUSE = 0.2
_QUERY_TIMEOUT = timedelta(seconds=5)
_FINAL = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.OUT_OF_RANGE}
_LOG = logging.getLogger("lumen.delivering")


class TemporalRouting(Routing):
    """Delivers through a Temporal client."""

    def __init__(self, client: Client, router: AlertRouter, source: RuleSource, metrics: WorkerMetrics) -> None:
        """Keep the collaborators."""
        self._client = client
        self._router = router
        self._source = source
        self._metrics = metrics

    @activity.defn(name="deliver")
    async def deliver(self, request: Delivery) -> Delivered:
        """Hand over the alerts in order, a few at once, never faster than the episodes can begin."""
        counts = dict.fromkeys(("started", "updated", "resolved", "not_open", "refused"), 0)
        waiting: list[Alert] = []
        for first in range(0, len(request.alerts), PARALLEL):
            await self._until_keeping_up()
            activity.heartbeat(first)
            for group in _in_order(request.alerts[first : first + PARALLEL]):
                results = await asyncio.gather(*(self._route(alert) for alert in group))
                for alert, result in zip(group, results, strict=True):
                    if result == "not_open" and not await self._give_up(request):
                        waiting.append(alert)
                        continue
                    counts[result] += 1
                    source = alert.source if alert.source in SOURCES else SOURCES[0]
                    self._metrics.delivered.labels(source, result).inc()
        return Delivered(**counts, waiting=tuple(waiting))

    async def _route(self, alert: Alert) -> str:
        rule = rule_for(alert, self._source.current)
        try:
            return await self._router.route(alert, rule.name if rule else "")
        except RPCError as error:
            if error.status not in _FINAL:
                raise
            # One alert that Temporal will never take must not keep the others of its intake waiting for ever.
            _LOG.exception("Temporal refuses an alert", extra={"alert_key": alert.key})
            return "refused"

    async def _give_up(self, request: Delivery) -> bool:
        """Return whether a resolve without an episode is one for good: its time is up and no older intake is still open."""
        if not request.last_try:
            return False
        started = request.started_at.isoformat()
        query = f'WorkflowType="{names.INTAKE_WORKFLOW}" AND ExecutionStatus="Running" AND StartTime < "{started}"'
        return (await self._client.count_workflows(query)).count == 0

    async def _until_keeping_up(self) -> None:
        while await self._backlog() > BACKLOG:
            activity.heartbeat("waiting for the episodes to catch up")
            await asyncio.sleep(_PAUSE)

    async def _backlog(self) -> int:
        description = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=names.TASK_QUEUE),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                report_stats=True,
            )
        )
        return description.stats.approximate_backlog_count

    @activity.defn(name="holder_state")
    async def holder_state(self, request: HolderQuestion) -> HolderState:
        """Look at a holder; describing is strongly consistent, unlike a list."""
        try:
            description = await self._client.get_workflow_handle(request.workflow_id).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return HolderState(open=False)
            raise
        first_run_id = description.raw_description.workflow_execution_info.first_run_id
        same = first_run_id == request.first_run_id
        return HolderState(
            open=same and description.status is WorkflowExecutionStatus.RUNNING and await self._runs(request)
        )

    async def _runs(self, request: HolderQuestion) -> bool:
        """Return whether an open episode is in the attempt that is asked about, or does not say."""
        handle = self._client.get_workflow_handle(request.workflow_id)
        try:
            attempts = (await handle.query(names.QUERY_STATUS, rpc_timeout=_QUERY_TIMEOUT))["attempts"]
        except (RPCError, WorkflowQueryFailedError):
            return True
        now = attempts[-1]["n"] + 1 if attempts else 1
        return request.holder in {"", names.attempt_key(request.workflow_id, request.first_run_id, now)}

    @activity.defn(name="wake_blocked")
    async def wake_blocked(self, request: WakeRequest) -> Done:
        """Signal every blocked episode; one that was just closed is no problem, one that was missed looks by itself."""
        running = f'WorkflowType="{names.ALERT_WORKFLOW}" AND ExecutionStatus="Running"'
        query = f'{running} AND {names.ATTRIBUTE_STATE}="{State.BLOCKED}"'
        woken = 0
        async for execution in self._client.list_workflows(query):
            try:
                await self._client.get_workflow_handle(execution.id).signal(names.SIGNAL_WAKE, request.reason)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
            woken += 1
        return Done(woken)


def _in_order(alerts: tuple[Alert, ...]) -> list[list[Alert]]:
    """Split ``alerts`` into groups that may be delivered at once: one alert of an episode in each."""
    groups: list[list[Alert]] = []
    seen: dict[str, int] = {}
    for alert in alerts:
        place = seen.get(alert.key, -1) + 1
        seen[alert.key] = place
        while len(groups) <= place:
            groups.append([])
        groups[place].append(alert)
    return groups
