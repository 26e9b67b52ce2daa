"""A worker in this process against a real Temporal server that skips time, with a real proofd beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from activities.metrics import WorkerMetrics
from activities.routing import AlertRouter
from lumen import names
from lumen.alert import Alert, AlertStatus, fingerprint
from lumen.settings import Settings
from rules.source import RuleSource
from tests.stack.receiver import Receiver
from tests.stack.rulebook import Rulebook
from tests.stack.sandbox import sandbox
from worker.wiring import build_workers, wire

PATIENCE = 60.0


@dataclass
class Bench:
    """Everything one test needs to watch an episode from its first alert to its close."""

    env: WorkflowEnvironment
    rulebook: Rulebook
    source: RuleSource
    settings: Settings
    metrics: WorkerMetrics
    plain: Client
    clock: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def client(self) -> Client:
        """The Temporal client. What it starts lives in real time until its clock is moved by :meth:`pass_time`."""
        return self.plain

    def handle(self, alert: Alert) -> WorkflowHandle[Any, Any]:
        """Return the handle of an alert's episode."""
        return self.client.get_workflow_handle(names.alert_workflow_id(alert.key))

    def alert(self, name: str, **labels: str) -> Alert:
        """Return a firing alert with these labels, received one second after the one before."""
        self.clock += timedelta(seconds=1)
        every = {"alertname": name, **labels}
        return Alert(
            source="alertmanager",
            fingerprint=fingerprint(every),
            labels=every,
            received_at=self.clock,
            starts_at=self.clock.isoformat(),
        )

    def again(self, alert: Alert, **changes: Any) -> Alert:
        """Return the same alert, received later."""
        self.clock += timedelta(seconds=1)
        return replace(alert, received_at=self.clock, **changes)

    async def send(self, alert: Alert) -> WorkflowHandle[Any, Any]:
        """Hand an alert to its episode, whose clock stands still until :meth:`pass_time`."""
        await AlertRouter(self.client).route(alert, alert.name)
        return self.handle(alert)

    async def resolve(self, alert: Alert) -> None:
        """Send the resolve of an alert."""
        await self.send(self.again(alert, status=AlertStatus.RESOLVED))

    async def refire(self, alert: Alert) -> None:
        """Send the alert as newly firing."""
        self.clock += timedelta(seconds=1)
        await self.send(self.again(alert, status=AlertStatus.FIRING, starts_at=self.clock.isoformat()))

    async def vote(self, handle: WorkflowHandle[Any, Any], actor: str, decision: str = "approve", **more: str) -> Any:
        """Cast a vote as an update and return the tally."""
        return await handle.execute_update(names.UPDATE_VOTE, {"decision": decision, "actor": actor, **more})

    async def override(self, handle: WorkflowHandle[Any, Any], decision: str, reason: str = "because") -> None:
        """Send an override."""
        payload = {"decision": decision, "actor": "oncall@example.com", "reason": reason}
        await handle.signal(names.SIGNAL_OVERRIDE, payload)

    async def status(self, handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
        """Return the status document."""
        document: dict[str, Any] = await handle.query(names.QUERY_STATUS)
        return document

    async def until(self, handle: WorkflowHandle[Any, Any], **wanted: Any) -> dict[str, Any]:
        """Wait (in real time, bounded) until the status has these values; fail with the last status otherwise."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        document: dict[str, Any] = {}
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(RPCError):
                document = await self.status(handle)
                if all(document.get(name) == value for name, value in wanted.items()):
                    return document
            await asyncio.sleep(0.1)
        raise AssertionError(f"wanted {wanted}, stands at {document}")

    async def until_attempts(self, handle: WorkflowHandle[Any, Any], count: int) -> dict[str, Any]:
        """Wait until so many attempts have ended."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        document: dict[str, Any] = {}
        while asyncio.get_running_loop().time() < deadline:
            document = await self.status(handle)
            if len(document["attempts"]) >= count and document["state"] in {"cooling", "watching", "closed"}:
                return document
            await asyncio.sleep(0.1)
        raise AssertionError(f"wanted {count} attempts, stands at {document}")

    async def pass_time(self, handle: WorkflowHandle[Any, Any], **duration: float) -> None:
        """Let time pass for one workflow; its timers fire in order."""
        skipping = self.env.client.get_workflow_handle(handle.id)
        wanted = timedelta(**duration)
        began = await self.env.get_current_time(skipping)
        moving = asyncio.create_task(self.env.fast_forward(skipping, wanted))
        try:
            async with asyncio.timeout(PATIENCE):
                # The experimental wait now and then misses an end that has come; the clock itself tells.
                while not moving.done() and await self.env.get_current_time(skipping) - began < wanted:
                    await asyncio.wait({moving}, timeout=0.5)
        finally:
            moving.cancel()

    async def entries(self) -> list[dict[str, Any]]:
        """Return every entry of the ledger with its parts, in order."""
        headers = {"Authorization": f"Bearer {self.settings.proofd_tokens[0]}"}
        async with httpx.AsyncClient(base_url=self.settings.proofd_url, headers=headers, trust_env=False) as http:
            height = (await http.get("/head")).json()["height"]
            return [(await http.get(f"/entries/{seq}")).json() for seq in range(height)]

    async def entries_of(self, handle: WorkflowHandle[Any, Any], kind: str = "") -> list[dict[str, Any]]:
        """Return the ledger entries of one episode, of one kind if given."""
        return [
            entry
            for entry in await self.entries()
            if any(_names(part, handle.id) for part in entry["parts"].values()) and kind in {"", entry["kind"]}
        ]

    def use_receiver(self, receiver: Receiver) -> None:
        """Let the workers started from now on talk to ``receiver``."""
        self.settings = replace(
            self.settings,
            prometheus_url=receiver.url,
            alertmanager_url=receiver.url,
            notify_webhook_url=f"{receiver.url}/notify",
            control_bus_url=f"{receiver.url}/bus",
            control_bus_token="bus-token",
        )

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run the workers while inside."""
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            wired = wire(self.settings, self.client, http, self.source, self.metrics)
            stack.push_async_callback(wired.close)
            workers = build_workers(self.client, wired, ("default",), sandbox())
            for worker in workers:
                await stack.enter_async_context(worker)
            yield

    @contextlib.asynccontextmanager
    async def runner(self, name: str) -> AsyncIterator[None]:
        """Run a second process' worth of workers that serves the runner ``name``."""
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            client = await Client.connect(self.client.service_client.config.target_host)
            metrics = WorkerMetrics(CollectorRegistry(), "tests")
            wired = wire(self.settings, client, http, self.source, metrics)
            every = build_workers(client, wired, (name,), sandbox())
            await stack.enter_async_context(every[-1])
            yield

    async def end_everything(self) -> None:
        """Terminate what the test left open, so that the next test's worker does not meet it."""
        async for execution in self.client.list_workflows('ExecutionStatus="Running"'):
            try:
                await self.client.get_workflow_handle(execution.id).terminate("the test is over")
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise


def _names(part: Any, workflow_id: str) -> bool:
    if not isinstance(part, dict):
        return False
    return workflow_id in {part.get("workflow_id"), names.alert_workflow_id(str(part.get("alert_key", "")))}


def bench_settings(rules: Path, proofd_url: str, **changes: Any) -> Settings:
    """Return the settings of a worker for tests, in embedded mode."""
    settings = Settings(
        embedded=True,
        rules=str(rules),
        proofd_url=proofd_url,
        proofd_tokens=("proofd-token",),
        bridge_keys={"k1": "a-secret-of-the-tests"},
    )
    return replace(settings, **changes)
