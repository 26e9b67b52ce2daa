"""Builds every client and activity of a worker, in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.delivering import TemporalRouting
from activities.executing import LedgeredExecuting
from activities.guarding import FreezeSwitch, Guards
from activities.kinds import registry as kinds_registry
from activities.kinds.protocol import KindContext
from activities.ledger_client import LedgerClient
from activities.metrics import WorkerMetrics
from activities.notifying import ChannelNotifying
from activities.planning import LocalPlanning
from activities.prometheus import Prometheus
from activities.proving import HttpProving
from activities.routing import AlertRouter
from lumen import names
from lumen.settings import Settings
from rules.source import RuleSource
from workflows.alert import AlertWorkflow
from workflows.freeze import FreezeWorkflow, WakeWorkflow
from workflows.guard import GuardWorkflow
from workflows.intake import IntakeWorkflow

WORKFLOWS: tuple[type, ...] = (AlertWorkflow, GuardWorkflow, IntakeWorkflow, FreezeWorkflow, WakeWorkflow)

GRACE = timedelta(seconds=30)
"""How long a worker that was told to stop lets running actions finish before it ends them."""

HEARTBEAT = timedelta(seconds=2)
CACHED_WORKFLOWS = 3000


def sandbox() -> SandboxedWorkflowRunner:
    """Return the sandbox in which workflow code runs: Lumen's own pure code is passed through, for memory's sake."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("lumen", "workflows", "rules")
    )


def build_workers(
    settings: Settings,
    client: Client,
    http: httpx.AsyncClient,
    source: RuleSource,
    metrics: WorkerMetrics,
    runners: Sequence[str],
) -> list[Worker]:
    """Return the workers of one process: the main queue, the intake queue, and one queue for each runner it serves."""
    ledger = LedgerClient(http, settings.proofd_url, settings.proofd_tokens[0])
    freeze = FreezeSwitch(client)
    proving = HttpProving(ledger)
    prometheus = Prometheus(http, settings.prometheus_url)
    planning = LocalPlanning(source, prometheus, Guards(client), freeze, settings.bridge_keys, metrics)
    notifying = ChannelNotifying(
        http, settings.alertmanager_url, settings.notify_webhook_url, settings.public_base_url, metrics
    )
    routing = TemporalRouting(client, AlertRouter(client), source, metrics)
    context = KindContext(
        http=http,
        root=Path(settings.rules).resolve().parent,
        python=sys.executable,
        control_bus_url=settings.control_bus_url,
        control_bus_token=settings.control_bus_token,
    )
    executing = LedgeredExecuting(source, freeze, ledger, kinds_registry(context), metrics)
    main: list[Callable[..., Any]] = [
        planning.prepare,
        planning.admit,
        planning.still_firing,
        proving.append,
        proving.recover,
        notifying.tell_human,
        notifying.count_closed,
        routing.holder_state,
        routing.wake_blocked,
    ]
    return [
        Worker(
            client,
            task_queue=names.TASK_QUEUE,
            workflows=[workflow for workflow in WORKFLOWS if workflow is not GuardWorkflow],
            activities=main,
            workflow_runner=sandbox(),
            workflow_task_executor=ThreadPoolExecutor(8, thread_name_prefix="workflow"),
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
            max_cached_workflows=CACHED_WORKFLOWS,
            graceful_shutdown_timeout=GRACE,
        ),
        Worker(
            client,
            task_queue=names.GUARD_TASK_QUEUE,
            workflows=[GuardWorkflow],
            workflow_runner=sandbox(),
            workflow_task_executor=ThreadPoolExecutor(2, thread_name_prefix="guard"),
        ),
        Worker(
            client,
            task_queue=names.INTAKE_TASK_QUEUE,
            activities=[routing.deliver],
            max_concurrent_activities=1,
            graceful_shutdown_timeout=timedelta(seconds=5),
        ),
        *(
            Worker(
                client,
                task_queue=names.runner_task_queue(runner),
                activities=[executing.execute],
                # A cancel travels on a heartbeat, so this is how long a command runs on after somebody cancelled it.
                max_heartbeat_throttle_interval=HEARTBEAT,
                default_heartbeat_throttle_interval=HEARTBEAT,
                graceful_shutdown_timeout=GRACE,
            )
            for runner in runners
        ),
    ]
