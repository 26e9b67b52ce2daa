"""A worker asks the guards of a plan: not when it is late, and without leaving errors behind."""

from __future__ import annotations

import asyncio
import gc
import itertools

import pytest
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from activities.guarding import Guards
from activities.planning import current_plan
from lumen import names
from lumen.messages import PrepareRequest
from lumen.plan import Plan
from tests.stack.bench import Bench


def _wish(bench: Bench, target: str) -> tuple[Plan, PrepareRequest]:
    bench.rulebook.add("AskingGuards", mode="auto", target="{labels.instance}", actions=[{"proof": True}])
    assert bench.source.reload() == ""
    alert = bench.alert("AskingGuards", instance=target)
    plan = current_plan(bench.source, alert)
    assert isinstance(plan, Plan)
    workflow_id = names.alert_workflow_id(alert.key)
    return plan, PrepareRequest(alert, workflow_id, f"{workflow_id}:1")


async def _exists(client: Client, workflow_id: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def test_a_worker_that_was_stopped_on_the_way_takes_nothing(bench: Bench) -> None:
    """Sixteen seconds after it was asked, the guard is not asked: its episode may be over, and nobody would give it back."""
    plan, request = _wish(bench, "late")
    guards = Guards(bench.client, clock=itertools.cycle([0.0, 16.0, 0.0, 14.0]).__next__)
    async with bench.working():
        with pytest.raises(TimeoutError, match=r"^target-late was not taken: it took too long"):
            await guards.take(plan, request, None, guards.deadline())
        assert not await _exists(bench.client, "target-late")
        assert (await guards.take(plan, request, None, guards.deadline())).status == "granted"


async def test_a_guard_that_does_not_answer_fails_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """No worker serves guards: whoever asks is told after ten seconds, and the log has nothing of lost errors."""
    plan, request = _wish(bench, "mute")
    guards = Guards(bench.client)
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await guards.take(plan, request, None, guards.deadline())
    gc.collect()
    await asyncio.sleep(0)
    assert not [record for record in caplog.records if "never retrieved" in record.getMessage()]
    await bench.client.get_workflow_handle("target-mute").terminate()
