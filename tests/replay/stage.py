"""Where the episodes that are recorded take place: a bench for each, with neutral names only."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.metrics import WorkerMetrics
from lumen import names
from lumen.alert import Alert
from rules.source import RuleSource
from tests.stack.bench import Bench, bench_settings
from tests.stack.processes import Child
from tests.stack.receiver import Receiver
from tests.stack.rulebook import Rulebook
from tests.workflows.following import Follower, followed

ALICE = "alice@example.com"
BOB = "bob@example.com"
WHO = {"actor": ALICE, "reason": "for the record"}
TRUE = {"name": "run", "cmd": ["/bin/true"]}
FALSE = {"name": "run", "cmd": ["/bin/false"]}
LONG = {"name": "run", "cmd": ["/bin/sleep", "30"]}

Handle = WorkflowHandle[Any, Any]


@dataclass
class Stage:
    """One rule, its alert, and what it takes to play an episode to its end. ``name`` names the rule and the alert."""

    name: str
    bench: Bench
    receiver: Receiver
    proofd: Child
    follower: Follower
    extra: dict[str, Alert] = field(default_factory=dict)

    def rule(self, **rule: Any) -> None:
        """Let the alert of this stage have this rule from now on."""
        self.bench.rulebook.add(self.name, **{"actions": [TRUE], **rule})
        self.bench.source.reload()

    async def fire(self, **labels: str) -> tuple[Alert, Handle]:
        """Send an alert of the rule and return it with its episode."""
        alert = self.bench.alert(self.name, **labels)
        return alert, await self.bench.send(alert)

    async def asking(self, **labels: str) -> tuple[Alert, Handle]:
        """Send an alert and wait until its episode asks."""
        alert, handle = await self.fire(**labels)
        await self.bench.until(handle, state="awaiting_approval")
        return alert, handle

    async def ended(self, handle: Handle, outcome: str, attempts: int = 1) -> None:
        """Wait until so many attempts have ended, the last with this outcome."""
        status = await self.bench.until_attempts(handle, attempts)
        assert status["outcome"] == outcome, status

    async def close(self, alert: Alert, handle: Handle) -> Handle:
        """Resolve the alert, let cooldown and linger pass, and wait for the end of the episode."""
        await self.bench.resolve(alert)
        await self.bench.pass_time(handle, minutes=21)
        await handle.result()
        return handle

    def guard(self, target: str) -> Handle:
        """Return the guard of a target."""
        return self.bench.client.get_workflow_handle(names.target_guard_id(target))


@contextlib.asynccontextmanager
async def playing(
    name: str, folder: Path, env: WorkflowEnvironment, proofd: Child, proofd_url: str
) -> AsyncIterator[Stage]:
    """Set up a stage with its workers while inside."""
    rulebook = Rulebook(folder / name / "rules")
    plain = await Client.connect(env.client.service_client.config.target_host, identity="recorder")
    receiver = Receiver()
    await receiver.start()
    settings = bench_settings(rulebook.folder, proofd_url)
    source = RuleSource(rulebook.folder, "signal")
    metrics = WorkerMetrics(CollectorRegistry(), "recorder")
    bench = Bench(env, rulebook, source, settings, metrics, plain)
    bench.use_receiver(receiver)
    try:
        follower = Follower()
        async with followed(bench, follower):
            yield Stage(name, bench, receiver, proofd, follower)
    finally:
        await bench.end_everything()
        await receiver.stop()
