"""CommandWorkflow: proved before and after, sent until the bus has it, once for each key."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from api.commands import TemporalCommands
from api.errors import OtherCommandError
from lumen import names
from lumen.command import Command
from tests.stack.bench import Bench
from tests.stack.receiver import Receiver
from tests.stack.rulebook import POLICY


def command(key: str, name: str = "reduce-gain", **args: Any) -> Command:
    """Return a command that the policy of these tests lists."""
    return Command(name, args, "robot@example.com", key)


@pytest.fixture
def commanding(bench: Bench, receiver: Receiver) -> Bench:
    """Return the bench with a policy that lists a command, and a control bus."""
    bench.use_receiver(receiver)
    bench.rulebook.policy(**POLICY, commands=["reduce-gain"])
    bench.source.reload()
    return bench


async def started(bench: Bench, wish: Command) -> WorkflowHandle[Any, Any]:
    """Start ``wish`` as the API does."""
    return bench.client.get_workflow_handle(await TemporalCommands(bench.client).start(wish))


async def proofs(bench: Bench, handle: WorkflowHandle[Any, Any]) -> list[dict[str, Any]]:
    """Return what the ledger has of a command."""
    entries = [entry for entry in await bench.entries() if entry["idem"].startswith(f"{handle.id}/")]
    return [entry["parts"]["command"] for entry in entries]


async def test_a_command_is_proved_sent_and_proved(commanding: Bench, receiver: Receiver) -> None:
    """The bus gets name, arguments and key with the token; both entries say who asked and how it ended."""
    async with commanding.working():
        handle = await started(commanding, command("prove-1", factor=0.8))
        assert (await handle.result())["state"] == "sent"
        [sent] = [request for request in receiver.requests if request.headers.get("idempotency-key") == "prove-1"]
        assert sent.json["command"] == "reduce-gain"
        assert sent.json["args"] == {"factor": 0.8}
        assert sent.headers["authorization"] == "Bearer bus-token"
        first, last = await proofs(commanding, handle)
        assert (first["phase"], first["actor"], first["args"]) == ("requested", "robot@example.com", {"factor": 0.8})
        assert (last["phase"], last["status"], last["detail"]["status_code"]) == ("ended", "sent", 200)
        assert "bus-token" not in str(await commanding.entries())


async def test_the_same_key_is_one_command_also_after_its_end(commanding: Bench, receiver: Receiver) -> None:
    """Asked again, it is the same workflow and nothing is sent; asked for something else, it is refused."""
    async with commanding.working():
        handle = await started(commanding, command("once-1"))
        await handle.result()
        assert (await started(commanding, command("once-1"))).id == handle.id
        with pytest.raises(OtherCommandError, match="belongs to another command"):
            await started(commanding, command("once-1", factor=0.5))
        assert len([item for item in receiver.requests if item.headers.get("idempotency-key") == "once-1"]) == 1


async def test_a_bus_that_is_away_is_asked_until_it_answers(commanding: Bench, receiver: Receiver) -> None:
    """5xx and 429 are tried again with the same key; what was asked stands in the ledger from before the first try."""
    receiver.answer("/bus", 503)
    async with commanding.working():
        handle = await started(commanding, command("away-1"))
        await receiver.until(1)
        assert [proof["phase"] for proof in await proofs(commanding, handle)] == ["requested"]
        receiver.answer("/bus", 429)
        await receiver.until(2)
        receiver.answer("/bus", 200)
        assert (await handle.result())["state"] == "sent"
        keys = {request.headers["idempotency-key"] for request in receiver.requests if request.path == "/bus"}
        assert keys == {"away-1"}


async def test_a_refusal_of_the_bus_is_final(commanding: Bench, receiver: Receiver) -> None:
    """A 4xx is an answer: it is recorded and not tried again."""
    receiver.answer("/bus", 422)
    async with commanding.working():
        handle = await started(commanding, command("refused-1"))
        assert (await handle.result())["state"] == "refused"
        last = (await proofs(commanding, handle))[-1]
        assert (last["status"], last["detail"]["status_code"]) == ("refused", 422)
        assert len([request for request in receiver.requests if request.path == "/bus"]) == 1


async def test_a_command_smuggled_in_through_temporal_is_refused(commanding: Bench, receiver: Receiver) -> None:
    """The worker asks its own policy, so that who can start workflows cannot send what nobody listed."""
    async with commanding.working():
        handle = await started(commanding, command("smuggled-1", "drop-database"))
        assert (await handle.result())["state"] == "refused"
        assert not [request for request in receiver.requests if request.path == "/bus"]
        assert "policy.yaml" in (await proofs(commanding, handle))[-1]["reason"]


async def test_frozen_lumen_sends_nothing(commanding: Bench, receiver: Receiver) -> None:
    """The switch for everything stops commands too; thawed, they go out."""
    async with commanding.working():
        who = {"actor": "alice@example.com", "reason": "migration"}
        frozen = await commanding.client.start_workflow(
            names.FREEZE_WORKFLOW, who, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=who
        )
        handle = await started(commanding, command("frozen-1"))
        async with asyncio.timeout(20):
            while "frozen by alice@example.com" not in await failure_of(handle):
                await asyncio.sleep(0.05)
        assert not [request for request in receiver.requests if request.path == "/bus"]
        await frozen.signal("unfreeze", who)
        await frozen.result()
        assert (await handle.result())["state"] == "sent"


async def failure_of(handle: WorkflowHandle[Any, Any]) -> str:
    """Return what the pending activity said last."""
    pending = (await handle.describe()).raw_description.pending_activities
    return " ".join(activity.last_failure.message for activity in pending)


async def test_a_bus_that_never_answers_is_given_up_after_a_day(commanding: Bench, receiver: Receiver) -> None:
    """Nobody can say that a command was not carried out which may have reached the bus: it ends as unknown, proved."""
    receiver.answer("/bus", 500)
    async with commanding.working():
        handle = await started(commanding, command("never-1"))
        await receiver.until(1)
        for _ in range(5):  # 150 tries are made in that time, each for real
            await commanding.pass_time(handle, hours=5)
        async with asyncio.timeout(30):
            ended = await handle.result(rpc_timeout=timedelta(seconds=30))
        assert ended["state"] == "unknown"
        assert (await proofs(commanding, handle))[-1]["status"] == "unknown"
