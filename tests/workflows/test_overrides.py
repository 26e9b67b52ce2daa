"""Overrides and the freeze switch: loud, recorded, and in force at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lumen import names
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks


async def test_override_approve_runs_without_a_quorum_and_is_recorded(bench: Bench, out: Path) -> None:
    """An override to approve acts at once; its own entry stands before the claim, with actor and reason."""
    bench.rulebook.add("OverApprove", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("OverApprove", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        await bench.override(handle, "approve", "the house burns")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        entries = await bench.entries_of(handle)
        assert [entry["kind"] for entry in entries] == [
            "override",
            "action.started",
            "action.finished",
            "auto_remediation",
        ]
        assert entries[0]["parts"]["override"]["reason"] == "the house burns"
        assert entries[3]["parts"]["remediation"]["decision"]["by"] == "override"


@pytest.mark.parametrize("on_timeout", ["reject", "approve"])
async def test_override_for_another_plan_decides_nothing(bench: Bench, out: Path, on_timeout: str) -> None:
    """An override that names the plan of another rule text runs nothing, also where silence would approve: it is asked anew."""
    name = f"OverOther-{on_timeout}"
    bench.rulebook.add(name, approval={"on_timeout": on_timeout}, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(name))
        before = await bench.until(handle, state="awaiting_approval")
        payload = {"decision": "approve", "actor": "oncall@example.com", "reason": "seen", "digest": "sha256:00"}
        await handle.signal(names.SIGNAL_OVERRIDE, payload)
        async with asyncio.timeout(20):
            after = before
            while after["state"] != "awaiting_approval" or after["approval"]["id"] == before["approval"]["id"]:
                await asyncio.sleep(0.02)
                after = await bench.status(handle)
                assert after["attempts"] == []
                assert after["state"] != "executing"
        assert marks(out) == []


async def test_override_without_a_reason_does_nothing(bench: Bench, out: Path) -> None:
    """An override without a reason is not taken."""
    bench.rulebook.add("OverSilent", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("OverSilent"))
        await bench.until(handle, state="awaiting_approval")
        await bench.override(handle, "approve", "  ")
        await bench.vote(handle, "alice@example.com", "reject")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "rejected"
        assert await bench.entries_of(handle, "override") == []


async def test_cancel_ends_a_running_command(bench: Bench, out: Path) -> None:
    """A cancel while a command runs ends it (TERM first) with the outcome ``cancelled`` and ``ran`` true."""
    script = 'trap "echo term >> $1; exit 0" TERM; echo started >> "$1"; while :; do sleep 0.1; done'
    action = {"name": "long", "cmd": ["/bin/sh", "-c", script, "sh", str(out)]}
    bench.rulebook.add("OverCancel", mode="auto", actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("OverCancel"))
        async with asyncio.timeout(20):
            while marks(out) != ["started"]:
                await asyncio.sleep(0.05)
        await bench.override(handle, "cancel", "wrong host")
        done = await bench.until_attempts(handle, 1)
        assert (done["outcome"], done["attempts"][0]["ran"]) == ("cancelled", True)
        assert marks(out) == ["started", "term"]
        assert [entry["kind"] for entry in await bench.entries_of(handle)] == [
            "action.started",
            "override",
            "action.finished",
            "auto_remediation",
        ]


async def test_retry_runs_again_at_once(bench: Bench, out: Path) -> None:
    """An override to retry starts a new attempt without waiting for the cooldown."""
    bench.rulebook.add("OverRetry", mode="auto", target="host-r", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("OverRetry"))
        await bench.until_attempts(handle, 1)
        await bench.override(handle, "retry")
        assert (await bench.until_attempts(handle, 2))["outcome"] == "remediated"
        assert len(marks(out)) == 2


async def test_freeze_blocks_and_thaw_goes_on(bench: Bench, out: Path) -> None:
    """While Lumen is frozen episodes are visibly blocked and nothing runs; the thaw wakes them."""
    bench.rulebook.add("OverFreeze", mode="auto", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        who = {"actor": "oncall@example.com", "reason": "migration"}
        freeze = await bench.client.start_workflow(
            names.FREEZE_WORKFLOW, who, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=who
        )
        handle = await bench.send(bench.alert("OverFreeze"))
        blocked = await bench.until(handle, state="blocked")
        assert blocked["state_reason"] == "frozen by oncall@example.com: migration"
        assert marks(out) == []
        await freeze.signal("unfreeze", who)
        await freeze.result()
        await bench.pass_time(handle, minutes=1)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_freeze_stops_what_was_approved_already(bench: Bench, out: Path) -> None:
    """A freeze between the last vote and the start of the command keeps the command from starting."""
    action = {"name": "mark", "cmd": marking(out), "runner": "frozen"}
    bench.rulebook.add("OverFreezeLate", actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("OverFreezeLate"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        await bench.until(handle, state="executing")
        who = {"actor": "oncall@example.com", "reason": "stop"}
        freeze = await bench.client.start_workflow(
            names.FREEZE_WORKFLOW, who, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=who
        )
        async with bench.runner("frozen"):
            await bench.until(handle, state="blocked")
            assert marks(out) == []
            await freeze.signal("unfreeze", who)
            await freeze.result()
            assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert len(marks(out)) == 1


async def test_cancel_in_temporal_ends_the_episode(bench: Bench, out: Path) -> None:
    """`temporal workflow cancel` ends the episode ``cancelled``, with its entry in the ledger."""
    bench.rulebook.add("OverNative", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("OverNative"))
        await bench.until(handle, state="awaiting_approval")
        await handle.cancel()
        assert (await handle.result())["outcome"] == "cancelled"
        assert len(await bench.entries_of(handle, "auto_remediation")) == 1
        assert marks(out) == []
