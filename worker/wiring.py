"""Builds every client and activity of a worker, in one place."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.ahead import Compared
from activities.commanding import BusCommanding
from activities.delivering import TemporalRouting
from activities.executing import LedgeredExecuting
from activities.execution.standby import Standby
from activities.guarding import FreezeSwitch, Guards
from activities.kinds import registry as kinds_registry
from activities.kinds.protocol import Closing, Kind, KindContext
from activities.ledger_client import LedgerClient
from activities.metrics import WorkerMetrics
from activities.notification.protocol import EpisodeShowing
from activities.notifying import ChannelNotifying
from activities.planning import LocalPlanning
from activities.probing import LocalProbing
from activities.prometheus import Prometheus
from activities.proving import HttpProving
from activities.routing import AlertRouter
from activities.runners import Runners
from lumen import names
from lumen.redaction import Redactor, secrets_of
from lumen.settings import Settings
from rules.source import RuleSource
from worker.arguments import FittingArguments
from workflows.alert import AlertWorkflow
from workflows.command import CommandWorkflow
from workflows.freeze import FreezeWorkflow, WakeWorkflow
from workflows.guard import GuardWorkflow
from workflows.intake import IntakeWorkflow

WORKFLOWS: tuple[type, ...] = (
    AlertWorkflow,
    GuardWorkflow,
    IntakeWorkflow,
    FreezeWorkflow,
    WakeWorkflow,
    CommandWorkflow,
)

GRACE = timedelta(seconds=30)
"""How long a worker that was told to stop lets running actions finish before it ends them."""

HEARTBEAT = timedelta(seconds=2)
CACHED_WORKFLOWS = 3000


@dataclass(frozen=True)
class Wired:
    """Every activity of a worker, with its collaborators."""

    planning: LocalPlanning
    proving: HttpProving
    notifying: ChannelNotifying
    routing: TemporalRouting
    executing: LedgeredExecuting
    commanding: BusCommanding
    probing: LocalProbing
    kinds: Mapping[str, Kind]

    async def close(self) -> None:
        """Close the connections of channels and kinds of action."""
        await self.notifying.close()
        for kind in self.kinds.values():
            if isinstance(kind, Closing):
                await kind.close()


def wire(
    settings: Settings,
    client: Client,
    http: httpx.AsyncClient,
    source: RuleSource,
    metrics: WorkerMetrics,
    standby: Standby | None = None,
    compared: Compared | None = None,
) -> Wired:
    """Build the activities of one worker process; ``standby`` shortens the start of commands.

    Actions start once ledger and Temporal are ``compared``; without it, at once.
    """
    ledger = LedgerClient(http, settings.proofd_url, settings.proofd_tokens[0])
    redact = Redactor(secrets_of(settings))
    freeze = FreezeSwitch(client)
    prometheus = Prometheus(http, settings.prometheus_url)
    context = KindContext(
        http=http,
        root=Path(settings.rules).resolve().parent,
        python=sys.executable,
        control_bus_url=settings.control_bus_url,
        control_bus_token=settings.control_bus_token,
        standby=standby,
        kubeconfig=settings.kubeconfig,
    )
    kinds = kinds_registry(context)
    return Wired(
        planning=LocalPlanning(
            source,
            prometheus,
            Guards(client),
            freeze,
            settings.bridge_keys,
            metrics,
            shows=bool(settings.slack_bot_token or settings.slack_webhook),
            runners=Runners(client),
        ),
        proving=HttpProving(ledger),
        notifying=ChannelNotifying(
            http,
            settings.alertmanager_url,
            settings.notify_webhook_url,
            settings.public_base_url,
            metrics,
            _showing(settings, metrics),
        ),
        routing=TemporalRouting(client, AlertRouter(client), source, metrics),
        commanding=BusCommanding(http, settings.control_bus_url, settings.control_bus_token, source, freeze),
        executing=LedgeredExecuting(
            source, freeze, ledger, kinds, metrics, redact.text, compared or Compared(done=True)
        ),
        probing=LocalProbing(source, prometheus, kinds),
        kinds=kinds,
    )


def build_workers(
    client: Client, wired: Wired, runners: Sequence[str], workflow_runner: WorkflowRunner | None = None
) -> list[Worker]:
    """Return the workers of one process: guard, main and intake queue, and one queue for each runner it serves.

    They are stopped in the opposite order, guards last: what the main worker has begun to prepare may wait for a guard, and
    if no other process serves guards it would wait for nothing until its grace is over.

    Workflow code runs without the SDK's sandbox, which would cost a third of the worker's time (decision 0014). The
    tests of the workflows run inside the sandbox, which they pass as ``workflow_runner``.
    """
    workflow_runner = workflow_runner or UnsandboxedWorkflowRunner()
    return [
        Worker(
            client,
            task_queue=names.GUARD_TASK_QUEUE,
            workflows=[GuardWorkflow],
            interceptors=[FittingArguments()],
            workflow_runner=workflow_runner,
            workflow_task_executor=ThreadPoolExecutor(2, thread_name_prefix="guard"),
        ),
        _main_worker(client, wired, workflow_runner),
        Worker(
            client,
            task_queue=names.INTAKE_TASK_QUEUE,
            activities=[wired.routing.deliver],
            max_concurrent_activities=1,
            graceful_shutdown_timeout=timedelta(seconds=5),
        ),
        *(_runner_worker(client, wired, runner) for runner in runners),
    ]


def _main_worker(client: Client, wired: Wired, workflow_runner: WorkflowRunner) -> Worker:
    return Worker(
        client,
        task_queue=names.TASK_QUEUE,
        workflows=[workflow for workflow in WORKFLOWS if workflow is not GuardWorkflow],
        activities=[
            wired.planning.prepare,
            wired.planning.admit,
            wired.planning.still_firing,
            wired.proving.append,
            wired.proving.recover,
            wired.notifying.tell_human,
            wired.notifying.show,
            wired.notifying.count_closed,
            wired.commanding.send_command,
            wired.routing.holder_state,
            wired.routing.wake_blocked,
        ],
        interceptors=[FittingArguments()],
        workflow_runner=workflow_runner,
        workflow_task_executor=ThreadPoolExecutor(8, thread_name_prefix="workflow"),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        max_cached_workflows=CACHED_WORKFLOWS,
        graceful_shutdown_timeout=GRACE,
    )


def _runner_worker(client: Client, wired: Wired, runner: str) -> Worker:
    return Worker(
        client,
        task_queue=names.runner_task_queue(runner),
        activities=[wired.executing.execute, wired.probing.probe],
        # A cancel travels on a heartbeat, so this is how long a command runs on after somebody cancelled it.
        max_heartbeat_throttle_interval=HEARTBEAT,
        default_heartbeat_throttle_interval=HEARTBEAT,
        graceful_shutdown_timeout=GRACE,
    )


def _showing(settings: Settings, metrics: WorkerMetrics) -> EpisodeShowing | None:
    if not settings.slack_bot_token and not settings.slack_webhook:
        return None
    # Slack's SDK and aiohttp take a tenth of the start and 12 MB.
    from activities.notification.opening import open_showing  # noqa: PLC0415 - what only a Lumen with Slack needs

    return open_showing(settings, metrics.slack_requests)
