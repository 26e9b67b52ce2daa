"""``lumen reconcile`` against a real Temporal server and a real proofd, where something is missing on either side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cli.omission import report
from lumen import names
from lumen.records import rfc3339
from tests.cli.conftest import FakeService, Lumen, Ran
from tests.stack.calling import calls
from tests.stack.processes import Child

OUTCOME = SearchAttributeKey.for_keyword(names.ATTRIBUTE_OUTCOME)


@workflow.defn(name=names.ALERT_WORKFLOW)
class Episode:
    """An episode reduced to what is compared: it ends, ends in a second run, or stays open."""

    def __init__(self) -> None:
        """Begin without a word to end."""
        self.ended = False

    @workflow.run
    async def run(self, how: str) -> None:
        """End as ``how`` says."""
        if how == "again":
            workflow.continue_as_new("")
        if how == "open":
            await workflow.wait_condition(lambda: self.ended)
        workflow.upsert_search_attributes([OUTCOME.value_set("remediated")])

    @workflow.signal
    def end(self) -> None:
        """Let an open one end."""
        self.ended = True


class Story:
    """Starts episodes and writes entries, or leaves one of the two out."""

    def __init__(self, client: Client, url: str) -> None:
        """Use this Temporal and this proofd."""
        self.client, self.url = client, url

    async def episode(self, key: str, how: str = "") -> str:
        """Run an episode and return its first run id; wait for its end unless it stays open."""
        handle = await self.client.start_workflow(
            names.ALERT_WORKFLOW, how, id=names.alert_workflow_id(key), task_queue=names.TASK_QUEUE
        )
        if how != "open":
            await handle.result()
        return str(handle.first_execution_run_id)

    def append(self, idem: str, kind: str, name: str, **content: Any) -> int:
        """Write an entry and return its number."""
        body = {"idem": idem, "kind": kind, "parts": {name: {"type": kind, **content}}}
        headers = {"Authorization": "Bearer proofd-token"}
        answer = calls().post(self.url + "/append", json=body, headers=headers)
        answer.raise_for_status()
        return int(answer.json()["seq"])

    def attempt(self, key: str, run: str, age: timedelta = timedelta(0), **statuses: str) -> int:
        """Write the one entry of an attempt."""
        stem = f"{names.alert_workflow_id(key)}/{run}/1"
        actions = [{"key": f"{stem}/{name}", "status": status} for name, status in statuses.items()]
        ended_at = rfc3339(datetime.now(UTC) - age)
        return self.append(
            f"{stem}/auto_remediation", "auto_remediation", "remediation", ended_at=ended_at, actions=actions
        )

    def claim(self, key: str, run: str, action: str, *, result: bool) -> int:
        """Write a claim, and its result if wanted."""
        stem = f"{names.alert_workflow_id(key)}/{run}/1/{action}"
        seq = self.append(f"{stem}/claim/1", "action.started", "claim")
        if result:
            self.append(f"{stem}/finished/1", "action.finished", "result")
        return seq


@pytest_asyncio.fixture
async def story(
    at_temporal: Client, start_proofd: Callable[[], tuple[Child, str]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Story]:
    """A story to be told, with a worker; open episodes are gone after the test."""
    child, url = await asyncio.to_thread(start_proofd)
    monkeypatch.setenv("PROOFD_URL", url)
    monkeypatch.setenv("PROOFD_TOKEN", "proofd-token")
    monkeypatch.setattr(report, "_PAUSE", 0.2)
    async for old in at_temporal.list_workflows(f"WorkflowType = '{names.ALERT_WORKFLOW}'"):
        await delete(at_temporal, old.id, old.run_id)
    async with Worker(
        at_temporal, task_queue=names.TASK_QUEUE, workflows=[Episode], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        yield Story(at_temporal, url)
        await end_all(at_temporal)
    child.kill()


async def end_all(client: Client) -> None:
    """Terminate what is open, until visibility shows nothing open either: the next test looks there."""
    async with asyncio.timeout(30):
        while opened := [one async for one in client.list_workflows("ExecutionStatus = 'Running'")]:
            for execution in opened:
                with contextlib.suppress(RPCError):  # ended already, visibility comes later
                    await client.get_workflow_handle(execution.id, run_id=execution.run_id).terminate()
            await asyncio.sleep(0.05)


async def delete(client: Client, workflow_id: str, run_id: str) -> None:
    """Take an execution away for good."""
    from temporalio.api.common.v1 import WorkflowExecution  # noqa: PLC0415 - only here
    from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest  # noqa: PLC0415 - only here

    execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    await client.workflow_service.delete_workflow_execution(request)


async def until(lumen: Lumen, wanted: Callable[[dict[str, Any]], bool], *more: str) -> dict[str, Any]:
    """Return the ledger part of ``lumen reconcile --json`` once it is as wanted: visibility is eventually consistent."""
    async with asyncio.timeout(60):
        while True:
            ran: Ran = await asyncio.to_thread(lumen, "reconcile", "--json", *more)
            found: dict[str, Any] = ran.document["ledger"]
            assert ran.code == (0 if ran.document["ok"] else 1)
            if wanted(found):
                return found
            await asyncio.sleep(0.3)


async def test_a_story_that_fits(story: Story, lumen: Lumen) -> None:
    """Closed, closed in its second run, and open with a command that runs: nothing is missing."""
    first, second = await story.episode("a-1"), await story.episode("a-2", "again")
    opened = await story.episode("a-3", "open")
    story.claim("a-1", first, "grow", result=True)
    story.attempt("a-1", first, grow="succeeded")
    story.attempt("a-2", second)
    story.claim("a-3", opened, "grow", result=False)
    found = await until(lumen, lambda ledger: ledger["ok"] and ledger["episodes"] == 3)
    assert (found["claims"], found["attempts"], found["omissions"]) == (2, 2, [])
    assert found["explained"] == {"claim without result: still running": 1}


async def test_what_is_missing_is_named(story: Story, lumen: Lumen) -> None:
    """A claim without a result, an episode without entries, an attempt without an episode: each with its key or number."""
    first, silent = await story.episode("b-1"), await story.episode("b-2", "again")
    claimed = story.claim("b-1", first, "grow", result=False)
    story.attempt("b-1", first, grow="succeeded")
    orphan = story.attempt("b-3", "run-of-nobody")
    story.attempt("b-4", "run-of-old", timedelta(days=4000))
    found = await until(lumen, lambda ledger: len(ledger["omissions"]) == 3)
    claim, episode, attempt = found["omissions"]
    assert claim == {"what": "claim without result", "about": f"alert-b-1/{first}/1/grow", "seq": claimed}
    assert episode == {"what": "episode without entries", "about": f"alert-b-2/{silent}"}
    assert attempt == {"what": "attempt without episode", "about": "alert-b-3/run-of-nobody/1", "seq": orphan}
    assert sum(found["explained"].values()) == 1
    told = await asyncio.to_thread(lumen, "reconcile")
    assert told.code == 1
    assert told.out.count("OMISSION  ") == 3
    assert "Temporal may have forgotten the episode" in told.out


async def test_only_what_temporal_keeps_is_read(story: Story, lumen: Lumen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries from before the retention are left out, unless everything is asked for."""
    run = await story.episode("c-1")
    story.append("old/1", "command", "x")
    story.append("old/2", "command", "x")
    monkeypatch.setattr(report, "_SLACK", timedelta(days=-100_000))  # the retention seems to begin in the far future
    found = await until(lumen, lambda ledger: ledger["episodes"] == 1 and not ledger["ok"])
    assert (found["from_seq"], found["attempts"]) == (2, 0)
    story.attempt("c-1", run)
    found = await until(lumen, lambda ledger: ledger["ok"])  # its entries are found by key
    assert found["attempts"] == 0
    found = await until(lumen, lambda ledger: ledger["ok"], "--all")
    assert (found["from_seq"], found["attempts"]) == (0, 1)


def test_a_ledger_that_cannot_be_asked_is_not_called_complete(
    at_temporal: Client, lumen: Lumen, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, and the reason in one line."""
    monkeypatch.setenv("PROOFD_URL", service.url)
    monkeypatch.setenv("PROOFD_TOKEN", "x")
    monkeypatch.setattr("cli.reconcile._TRIES", 1)
    service.answer(503, {"detail": "the ledger is frozen"})
    ran = lumen("reconcile")
    assert ran.code == 1
    assert "the ledger was not compared: the ledger is frozen" in ran.out
    assert lumen("reconcile", "--json").document["ledger"]["ok"] is False
