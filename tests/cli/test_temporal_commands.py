"""``lumen freeze``, ``cooldown`` and ``reconcile`` against a real Temporal server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cli.reconcile import settled
from lumen import names
from lumen.guard import Claim
from lumen.messages import Done, LedgerAppend, LedgerReceipt, WakeRequest
from tests.cli.conftest import Lumen, Ran
from workflows.freeze import FreezeWorkflow
from workflows.guard import GuardStart, GuardWorkflow

UNTIL = "2026-03-01T12:10:00.000Z"
WHO = ("--actor", "alice@example.com", "--reason", "because")


@workflow.defn(name=names.ALERT_WORKFLOW)
class Episode:
    """An episode reduced to what the commands look at: state, outcome, and a cooldown that can be cleared."""

    def __init__(self) -> None:
        """Begin without a signal."""
        self.cleared: list[Any] = []

    @workflow.run
    async def run(self, how: str) -> list[Any]:
        """End as ``how`` says; ``cooling`` waits for its cooldown to be cleared."""
        if how == "fail":
            raise ApplicationError("no", non_retryable=True)
        if how == "again":
            workflow.continue_as_new("remediated")
        if how == "cooling":
            await workflow.wait_condition(lambda: bool(self.cleared))
            how = "remediated"
        if how:
            workflow.upsert_search_attributes([SearchAttributeKey.for_keyword(names.ATTRIBUTE_OUTCOME).value_set(how)])
        return self.cleared

    @workflow.query(name=names.QUERY_STATUS)
    def status(self) -> dict[str, str]:
        """Tell until when it cools."""
        return {"cooldown_until": UNTIL}

    @workflow.signal(name=names.SIGNAL_CLEAR_COOLDOWN)
    def clear(self, payload: Any) -> None:
        """Take the signal."""
        self.cleared.append(payload)


class Recorder:
    """The activities of the freeze: a ledger in memory."""

    def __init__(self) -> None:
        """Begin empty."""
        self.appended: list[LedgerAppend] = []

    @activity.defn(name="append")
    async def append(self, request: LedgerAppend) -> LedgerReceipt:
        """Keep the entry."""
        self.appended.append(request)
        return LedgerReceipt(len(self.appended))

    @activity.defn(name="wake_blocked")
    async def wake_blocked(self, request: WakeRequest) -> Done:
        """Wake nobody."""
        return Done()


@pytest_asyncio.fixture
async def recorder(temporal: Client) -> AsyncIterator[Recorder]:
    """A running worker; its workflows are gone after the test."""
    recorder = Recorder()
    async with Worker(
        temporal,
        task_queue=names.TASK_QUEUE,
        workflows=[Episode, FreezeWorkflow, GuardWorkflow],
        activities=[recorder.append, recorder.wake_blocked],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield recorder
        async for execution in temporal.list_workflows("ExecutionStatus = 'Running'"):
            with contextlib.suppress(RPCError):  # the list is a second old: it may have ended by itself
                await temporal.get_workflow_handle(execution.id).terminate()


async def command(lumen: Lumen, *arguments: str) -> Ran:
    """Run a command beside the loop of the worker."""
    return await asyncio.to_thread(lumen, *arguments)


async def start(client: Client, key: str, how: str, **attributes: str) -> None:
    """Start an episode and wait for its end, unless it cools."""
    pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in attributes.items()]
    handle = await client.start_workflow(
        names.ALERT_WORKFLOW,
        how,
        id=names.alert_workflow_id(key),
        task_queue=names.TASK_QUEUE,
        search_attributes=TypedSearchAttributes(pairs),
    )
    if how != "cooling":
        try:
            await handle.result()
        except WorkflowFailureError:
            assert how == "fail"


async def test_a_freeze_is_told_kept_and_ended(at_temporal: Client, recorder: Recorder, lumen: Lumen) -> None:
    """On, status, on again (refused), off, off again (refused); who and why are kept and recorded."""
    assert (await command(lumen, "freeze", "status")).out == "not frozen\n"
    on = await command(lumen, "freeze", "on", *WHO)
    assert on.code == 0
    assert "by alice@example.com: because" in on.out
    found = (await command(lumen, "freeze", "status", "--json")).document
    assert (found["frozen"], found["actor"], found["reason"]) == (True, "alice@example.com", "because")
    again = await command(lumen, "freeze", "on", *WHO)
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "already frozen" in again.err
    off = await command(lumen, "freeze", "off", *WHO)
    assert (off.code, off.out) == (0, "not frozen\n")
    assert (await command(lumen, "freeze", "off", *WHO)).code == 1
    assert [entry.parts["override"]["decision"] for entry in recorder.appended] == ["freeze", "unfreeze"]


async def test_an_unfreeze_that_no_worker_takes_is_not_called_done(
    at_temporal: Client, lumen: Lumen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a worker the switch stays on, and the command says so with exit code 1."""
    monkeypatch.setattr("cli.freeze._PATIENCE", 0.5)
    assert (await command(lumen, "freeze", "on", *WHO)).code == 0
    off = await command(lumen, "freeze", "off", *WHO)
    assert off.code == 1
    assert "still frozen" in off.err
    await at_temporal.get_workflow_handle(names.FREEZE_ID).terminate()


async def test_cooldowns_are_listed_and_cleared(at_temporal: Client, recorder: Recorder, lumen: Lumen) -> None:
    """The cooldown of a guard is shown with rule, target and end, and is gone after it was cleared by target."""
    guard = await cooling_guard(at_temporal, "host1", "grow")
    listed = await until_listed(lumen, guard)
    row = next(row for row in listed["cooldowns"] if row["id"] == guard)
    assert (row["kind"], row["rule"], row["target"]) == ("guard", "grow", "host1")
    assert row["until"]
    table = await command(lumen, "cooldown", "list")
    assert guard in table.out
    other = await command(lumen, "cooldown", "clear", "host1", "--rule", "other", *WHO)
    assert (other.code, other.out) == (0, f"told {guard} to end its cooldown\n")
    assert (await at_temporal.get_workflow_handle(guard).query(names.QUERY_STATUS))["cooling"]
    cleared = await command(lumen, "cooldown", "clear", "host1", "--json", *WHO)
    assert cleared.document == {"told": [guard]}
    await until_cool(at_temporal, guard)


async def test_an_episode_that_cools_by_itself_is_listed_and_cleared(
    at_temporal: Client, recorder: Recorder, lumen: Lumen
) -> None:
    """It tells until when; its key is enough to clear it; who and why travel with the signal."""
    attributes = {names.ATTRIBUTE_STATE: "cooling", names.ATTRIBUTE_RULE: "r", names.ATTRIBUTE_TARGET: "t"}
    await start(at_temporal, "a-1", "cooling", **attributes)
    listed = await until_listed(lumen, "a-1")
    assert {"kind": "episode", "id": "a-1", "rule": "r", "until": UNTIL, "target": "t"} in listed["cooldowns"]
    cleared = await command(lumen, "cooldown", "clear", "a-1", *WHO)
    assert cleared.out == "told alert-a-1 to end its cooldown\n"
    taken = await at_temporal.get_workflow_handle("alert-a-1").result()
    assert taken == [{"actor": "alice@example.com", "reason": "because"}]


async def test_what_nobody_answers_for_is_listed_all_the_same(at_temporal: Client, lumen: Lumen) -> None:
    """Without a worker the episodes that cool are known, only not until when."""
    await start(at_temporal, "a-3", "cooling", **{names.ATTRIBUTE_STATE: "cooling", names.ATTRIBUTE_RULE: "r"})
    listed = await until_listed(lumen, "a-3")
    [found] = [row for row in listed["cooldowns"] if row["id"] == "a-3"]
    assert found["until"] is None
    await at_temporal.get_workflow_handle(names.alert_workflow_id("a-3")).terminate()


async def test_all_cooldowns_can_be_cleared_at_once(at_temporal: Client, recorder: Recorder, lumen: Lumen) -> None:
    """`--all --rule` clears the guards and episodes of that rule and leaves the others."""
    mine, other = await cooling_guard(at_temporal, "h1", "r1"), await cooling_guard(at_temporal, "h2", "r2")
    await start(at_temporal, "a-2", "cooling", **{names.ATTRIBUTE_STATE: "cooling", names.ATTRIBUTE_RULE: "r1"})
    for known in (mine, other, "a-2"):
        await until_listed(lumen, known)
    cleared = await command(lumen, "cooldown", "clear", "--all", "--rule", "r1", "--json", *WHO)
    assert sorted(cleared.document["told"]) == sorted([mine, "alert-a-2"])
    assert (await at_temporal.get_workflow_handle(other).query(names.QUERY_STATUS))["cooling"]


async def test_clearing_what_is_unknown_fails(at_temporal: Client, lumen: Lumen) -> None:
    """An unknown target is one line and exit code 1."""
    ran = await command(lumen, "cooldown", "clear", "nothing-here", *WHO)
    assert ran.code == 1
    assert ran.err.count("\n") == 1


async def test_accounts_add_up_and_an_end_without_outcome_does_not(
    at_temporal: Client, recorder: Recorder, lumen: Lumen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes and open states are counted once each, over continue-as-new; a failed episode makes exit code 1."""
    before = await settled(at_temporal)
    await start(at_temporal, "r-1", "remediated")
    await start(at_temporal, "r-2", "again")
    await start(at_temporal, "r-3", "cooling", **{names.ATTRIBUTE_STATE: "cooling"})
    await until_counted(at_temporal, before.accepted + 3)
    account = await settled(at_temporal)
    assert account.missing == 0
    assert account.ended_total == before.ended_total + 2
    assert account.open == {"cooling": 1}
    monkeypatch.setattr("cli.reconcile._TRIES", 2)
    await start(at_temporal, "r-4", "fail")
    await start(at_temporal, "r-5", "")
    await until_counted(at_temporal, before.accepted + 5)
    ran = await command(lumen, "reconcile", "--json")
    assert ran.code == 1
    document = ran.document
    assert document["ok"] is False
    assert document["no_outcome"]["Failed"] == 1
    assert document["no_outcome"]["Completed"] == 1
    assert document["missing"] == 0
    told = await command(lumen, "reconcile")
    assert told.code == 1
    assert told.out.endswith("it does not add up\n")


async def cooling_guard(client: Client, target: str, rule: str) -> str:
    """Return the id of a guard whose place was held and given back, so that ``rule`` cools."""
    guard = names.target_guard_id(target)
    handle = await client.start_workflow(names.GUARD_WORKFLOW, GuardStart(), id=guard, task_queue=names.TASK_QUEUE)
    claim = Claim(holder="h", workflow_id="alert-h", rule=rule, lease=60, cooldown=600)
    await handle.execute_update(names.GUARD_ACQUIRE, claim)
    await handle.signal(names.GUARD_RELEASE, {"holder": "h", "ran": True})
    return guard


async def until_listed(lumen: Lumen, known: str) -> Any:
    """Return the list once it shows ``known``: visibility is eventually consistent."""
    async with asyncio.timeout(30):
        while True:
            listed = (await command(lumen, "cooldown", "list", "--json")).document
            if any(row["id"] == known for row in listed["cooldowns"]):
                return listed
            await asyncio.sleep(0.1)


async def until_cool(client: Client, guard: str) -> None:
    """Wait until nothing cools in a guard: it records who cleared it before it does."""
    async with asyncio.timeout(30):
        while (await client.get_workflow_handle(guard).query(names.QUERY_STATUS))["cooling"]:
            await asyncio.sleep(0.05)


async def until_counted(client: Client, accepted: int) -> None:
    """Wait until visibility knows so many episodes."""
    async with asyncio.timeout(30):
        while (await settled(client)).accepted < accepted:
            await asyncio.sleep(0.1)
