"""Signals, updates and queries with arguments that their handlers cannot take, for every one that there is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.worker import HandleSignalInput, WorkflowInboundInterceptor

from lumen import names
from lumen.command import Command
from lumen.guard import Claim
from lumen.messages import IntakeStart
from tests.stack.bench import PATIENCE, Bench
from worker import arguments
from worker.wiring import WORKFLOWS
from workflows.guard import GuardStart

WHO = {"actor": "oncall@example.com", "reason": "tests"}
CLAIM = Claim("episode/run/1", "episode", "rule", lease=600.0, cooldown=0.0)
NAIVE = {"source": "s", "fingerprint": "f", "labels": {}, "received_at": "2026-01-01T00:00:00"}
ONE: tuple[Any, ...] = (
    None,  # Temporal's converters hand it over whatever the handler wants, and so they do with bytes
    b"bytes",
    "text",
    7,
    True,
    [],
    [WHO],
    {},
    {"decision": "approve", "actor": 7},
    {"actor": {"name": "a"}, "reason": [], "at": 7, "holder": None, "ran": "yes", "rule": 1.5},
    {"labels": [], "received_at": 5},
    NAIVE,
)
WRONG: tuple[list[Any], ...] = ([], [WHO, "more"], [WHO, WHO, WHO], *([one] for one in ONE))


def handlers(kind: str) -> list[tuple[str, str]]:
    """Return the workflow type and the name of each handler of this kind in every workflow of a worker."""
    known = [(each.__name__, vars(workflow._Definition.must_from_class(each))[kind]) for each in WORKFLOWS]
    return [(name, str(handler)) for name, named in known for handler in named]


async def opened(bench: Bench, name: str) -> WorkflowHandle[Any, Any]:
    """Start a workflow of this type and return it once it waits; an episode then has heard its first alert."""
    starts: dict[str, tuple[Any, str]] = {
        names.GUARD_WORKFLOW: (GuardStart(), names.GUARD_TASK_QUEUE),
        names.FREEZE_WORKFLOW: (WHO, names.TASK_QUEUE),
        names.COMMAND_WORKFLOW: (Command("reduce-gain", {}, "oncall@example.com", "key"), names.TASK_QUEUE),
        names.INTAKE_WORKFLOW: (IntakeStart(()), names.TASK_QUEUE),
    }
    if name == names.ALERT_WORKFLOW:
        bench.rulebook.add("Misfit", actions=[{"proof": True}])
        assert bench.source.reload() == ""
        handle = await bench.send(bench.alert("Misfit"))
        await bench.until(handle, state="awaiting_approval")
        return handle
    start, queue = starts[name]
    handle = await bench.client.start_workflow(name, start, id=f"misfit-{name}", task_queue=queue)
    await gone_on(handle)
    return handle


async def gone_on(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until the workflow has taken in all that came; fail at the first workflow task that fails."""
    heard = {EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED}
    async with asyncio.timeout(PATIENCE):
        while True:
            kinds = [event.event_type async for event in handle.fetch_history_events()]
            assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds
            last = max(index for index, kind in enumerate(kinds) if kind in heard)
            if EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED in kinds[last:]:
                return
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """Let signals through to their handlers as they came, as a worker of before did."""

    async def passed_on(self: WorkflowInboundInterceptor, signal: HandleSignalInput) -> None:
        await self.next.handle_signal(signal)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arguments._Inbound, "handle_signal", passed_on)
        yield


@pytest.mark.parametrize(("name", "signal"), handlers("signals"))
async def test_no_signal_stops_a_workflow(bench: Bench, name: str, signal: str) -> None:
    """Whatever comes with a signal, the workflow goes on: the next signals and tasks are taken in."""
    async with bench.working():
        handle = await opened(bench, name)
        for args in WRONG:
            if (name, args) not in [(names.FREEZE_WORKFLOW, [one]) for one in ONE if isinstance(one, dict)]:
                await handle.signal(signal, args=args)
                await gone_on(handle)
        if name == names.ALERT_WORKFLOW:
            async with asyncio.timeout(PATIENCE):
                assert (await bench.vote(handle, "alice@example.com"))["status"] == "approved"
            assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


@pytest.mark.parametrize(("name", "update"), handlers("updates"))
async def test_a_wrong_update_is_refused(bench: Bench, name: str, update: str) -> None:
    """An update with arguments that do not fit fails for whoever sent it; the workflow goes on."""
    async with bench.working():
        handle = await opened(bench, name)
        for args in WRONG:
            async with asyncio.timeout(PATIENCE):
                with pytest.raises(WorkflowUpdateFailedError):
                    await handle.execute_update(update, args=args)
        await gone_on(handle)


@pytest.mark.parametrize(("name", "query"), handlers("queries"))
async def test_a_wrong_query_harms_nobody(bench: Bench, name: str, query: str) -> None:
    """A query with arguments that do not fit fails for whoever asked, at most; the workflow answers the next one."""
    right = [CLAIM] if query == names.GUARD_WOULD else []
    async with bench.working():
        handle = await opened(bench, name)
        for args in WRONG:
            with contextlib.suppress(WorkflowQueryFailedError):
                await handle.query(query, args=args)
        assert await handle.query(query, args=right)
        await gone_on(handle)


async def test_a_dropped_release_frees_nothing(bench: Bench) -> None:
    """A guard whose ``release`` was sent without or with more than its input still has its holder."""
    async with bench.working():
        guard = await opened(bench, names.GUARD_WORKFLOW)
        assert (await guard.execute_update(names.GUARD_ACQUIRE, CLAIM))["status"] == "granted"
        for args in ([], [{"holder": CLAIM.holder}, "more"], [None]):
            await guard.signal(names.GUARD_RELEASE, args=args)
        await gone_on(guard)
        places = (await guard.query(names.QUERY_STATUS))["places"]
        assert [place["holder"] for place in places] == [CLAIM.holder]


async def test_what_is_dropped_is_in_the_log_without_its_content(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker says which signal of which workflow it dropped, and nothing of what came with it."""
    async with bench.working():
        handle = await opened(bench, names.ALERT_WORKFLOW)
        await handle.signal(names.SIGNAL_VOTE, args=[{"decision": "approve", "reason": "hunter2"}, "hunter2"])
        await gone_on(handle)
    [line] = [record.getMessage() for record in caplog.records if "was dropped" in record.getMessage()]
    assert '"vote"' in line
    assert handle.id in line
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("args", [[], [None], ["text"], [[]]])
async def test_a_freeze_without_a_name_is_one_that_can_be_thawed(bench: Bench, args: list[Any]) -> None:
    """A freeze that was started without its input, or with another one, holds until it is thawed by name."""
    async with bench.working():
        freeze = await bench.client.start_workflow(
            names.FREEZE_WORKFLOW, args=args, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE
        )
        await freeze.signal("unfreeze")
        await gone_on(freeze)
        await freeze.signal("unfreeze", WHO)
        async with asyncio.timeout(PATIENCE):
            await freeze.result()


async def test_a_name_that_no_ledger_can_take_does_not_keep_everything_frozen(bench: Bench) -> None:
    """A thaw whose actor is half a surrogate pair is refused by the ledger once and for all, not asked about for ever."""
    async with bench.working():
        freeze = await opened(bench, names.FREEZE_WORKFLOW)
        await freeze.signal("unfreeze", {**WHO, "actor": "\ud800"})
        async with asyncio.timeout(PATIENCE):
            await freeze.result()


async def test_a_workflow_that_was_stopped_before_goes_on(bench: Bench) -> None:
    """A workflow that stands still, since a worker of before failed at such a signal, is carried on by this one."""
    with unguarded():
        async with bench.working():
            freeze = await opened(bench, names.FREEZE_WORKFLOW)
            await freeze.signal("unfreeze")
            async with asyncio.timeout(PATIENCE):
                while (await freeze.describe()).raw_description.pending_workflow_task.attempt < 2:
                    await asyncio.sleep(0.02)
    async with bench.working():
        await freeze.signal("unfreeze", WHO)
        async with asyncio.timeout(PATIENCE):
            await freeze.result()
