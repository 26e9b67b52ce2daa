"""What is sent: alerts as Alertmanager posts them, and their counterpart for the baseline."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from benchmarks import bare

WEBHOOK = "/webhooks/alertmanager"
_PATIENCE = timedelta(seconds=60)


def fresh_names(count: int) -> list[str]:
    """Return names of instances that nobody has used."""
    run = uuid.uuid4().hex[:12]
    return [f"{run}-{number}" for number in range(count)]


def alert(rule: str, instance: str) -> dict[str, Any]:
    """Return a firing alert of usual size, as Alertmanager posts it."""
    return {
        "status": "firing",
        "labels": {"alertname": rule, "instance": instance, "job": "node", "severity": "warning"},
        "annotations": {"summary": f"{instance} needs a hand", "description": "x" * 200},
        "startsAt": "2026-11-22T10:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
    }


def body(rule: str, instances: list[str]) -> bytes:
    """Return a webhook's body with one alert for each instance."""
    alerts = [alert(rule, instance) for instance in instances]
    return json.dumps({"version": "4", "status": "firing", "receiver": "lumen", "alerts": alerts}).encode()


async def start_bare(client: Client, workflow: str, name: str, argv: list[str]) -> None:
    """Start a workflow of the baseline."""
    await client.start_workflow(workflow, argv, id=f"bare-{name}", task_queue=bare.TASK_QUEUE, rpc_timeout=_PATIENCE)


async def signal_bare(client: Client, name: str) -> None:
    """Start a workflow that nobody works on, with a signal that carries an alert."""
    await client.start_workflow(
        "BareWorkflow",
        id=f"bare-{name}",
        task_queue=bare.UNSERVED_QUEUE,
        start_signal="alert",
        start_signal_args=[alert("Bare", name)],
        rpc_timeout=_PATIENCE,
    )
