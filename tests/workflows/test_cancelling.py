"""A cancel in Temporal: like an override with ``cancel`` whatever the episode waits for, and then it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from tests.stack.bench import PATIENCE, Bench
from tests.stack.processes import Child
from tests.stack.receiver import Receiver
from tests.workflows.test_aftercare import action
from tests.workflows.test_loop import marking, marks

IN_TEMPORAL = "the workflow was cancelled in Temporal"


def waiting(out: Path, begun: Path) -> list[str]:
    """Return the argv of a command that makes ``begun`` when it begins and leaves its mark in ``out`` seconds later."""
    return ["/bin/sh", "-c", 'touch "$2"; sleep 4; echo undone >> "$1"', "sh", str(out), str(begun)]


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


async def closed(bench: Bench, handle: WorkflowHandle[Any, Any]) -> tuple[str, str]:
    """Wait for the end of an episode with one attempt; return its outcome and why, as the ledger has them."""
    async with asyncio.timeout(PATIENCE):
        await handle.result()
    [end] = await bench.entries_of(handle, "auto_remediation")
    remediation = end["parts"]["remediation"]
    return remediation["outcome"], remediation["reason"]


@pytest.mark.parametrize(
    "verify", [{"resolved": True, "within": "10m"}, {"cmd": ["/bin/false"], "within": "10m", "every": "1s"}]
)
async def test_what_is_being_verified_is_undone(bench: Bench, out: Path, verify: dict[str, Any]) -> None:
    """Cancelled while it is looked at whether it helped, it is undone."""
    name = f"CancelVerify{len(verify)}"
    bench.rulebook.add(name, mode="auto", actions=[action(out, "a")], verify=verify)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(name))
        await bench.until(handle, state="verifying")
        await handle.cancel()
        assert await closed(bench, handle) == ("cancelled", f"{IN_TEMPORAL}; rolled back")
    assert marks(out) == ["do a", "undo a"]


async def test_what_would_be_tried_again_is_undone(bench: Bench, out: Path) -> None:
    """Cancelled between two tries of an action, it is not tried again but undone."""
    cmd = ["/bin/sh", "-c", 'echo "do a" >> "$1"; exit 1', "sh", str(out)]
    again = action(out, "a", cmd=cmd, idempotent=True, retry={"attempts": 3, "backoff": "10m"})
    bench.rulebook.add("CancelBackoff", mode="auto", actions=[again])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("CancelBackoff"))
        while not await bench.entries_of(handle, "action.finished"):
            await asyncio.sleep(0.05)
        await handle.cancel()
        assert await closed(bench, handle) == ("cancelled", f"{IN_TEMPORAL}; rolled back")
        [end] = await bench.entries_of(handle, "auto_remediation")
        [tried, _] = end["parts"]["remediation"]["actions"]
        assert (tried["status"], tried["reason"]) == ("failed", "exit code 1"), "what the ledger has of its one try"
    assert marks(out) == ["do a", "undo a"]


async def test_a_rollback_goes_on_to_its_end(bench: Bench, out: Path, tmp_path: Path) -> None:
    """A rollback that runs when the cancel comes is not ended in its middle."""
    undo = {"cmd": waiting(out, tmp_path / "begun")}
    verify = {"cmd": ["/bin/false"], "within": 1}
    bench.rulebook.add("CancelUndo", mode="auto", actions=[action(out, "a", rollback=undo)], verify=verify)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("CancelUndo"))
        await until((tmp_path / "begun").exists)
        await handle.cancel()
        outcome, reason = await closed(bench, handle)
        assert (outcome, reason.endswith("; rolled back")) == ("rolled_back", True)
    assert marks(out) == ["do a", "undone"]


async def test_a_question_about_a_rollback_ends(bench: Bench, out: Path) -> None:
    """Cancelled while people are asked about the rollback of what did not help, it is not rolled back, and says so."""
    verify = {"cmd": ["/bin/false"], "within": 1}
    asked = {"approve": 1, "timeout": "30m"}
    bench.rulebook.add("CancelAsked", mode="auto", actions=[action(out, "a")], verify=verify, rollback_approval=asked)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("CancelAsked"))
        await bench.until(handle, state="awaiting_approval")
        await handle.cancel()
        outcome, reason = await closed(bench, handle)
        assert (outcome, reason.endswith(f"; not rolled back: {IN_TEMPORAL}")) == ("failed", True)
    assert marks(out) == ["do a"]


async def test_people_are_asked_about_the_rollback_of_what_was_cancelled(bench: Bench, out: Path) -> None:
    """A rollback that needs votes needs them after a cancel too; the episode closes when they have come."""
    verify = {"resolved": True, "within": "10m"}
    asked = {"approve": 1, "timeout": "30m"}
    bench.rulebook.add("CancelVotes", mode="auto", actions=[action(out, "a")], verify=verify, rollback_approval=asked)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("CancelVotes"))
        await bench.until(handle, state="verifying")
        await handle.cancel()
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        assert await closed(bench, handle) == ("cancelled", f"{IN_TEMPORAL}; rolled back")
    assert marks(out) == ["do a", "undo a"]


async def test_a_question_to_prometheus_loses_no_cancel(bench: Bench, receiver: Receiver, out: Path) -> None:
    """Cancelled while Prometheus is asked whether the alert still fires, the episode closes."""
    bench.use_receiver(receiver)
    bench.rulebook.add("CancelAsking", mode="auto", cooldown=0, actions=[{"name": "a", "cmd": marking(out)}])
    bench.source.reload()
    receiver.prometheus([])
    receiver.answer("/api/v1/query", 200, hold=4)
    async with bench.working():
        handle = await bench.send(bench.alert("CancelAsking"))
        await until(lambda: receiver.queries)
        await handle.cancel()
        assert (await closed(bench, handle))[0] == "remediated"
    assert len(marks(out)) == 1


async def test_what_was_decided_does_not_outlive_a_cancel(
    bench: Bench, out: Path, start_proofd: Callable[[], tuple[Child, str]]
) -> None:
    """Approved, and cancelled while the ledger was away: the episode closes, also if the rule has changed meanwhile."""
    proofd, url = start_proofd()
    bench.settings = replace(bench.settings, proofd_url=url)
    bench.rulebook.add("CancelDecided", actions=[{"name": "a", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("CancelDecided"))
        await bench.until(handle, state="awaiting_approval")
        proofd.kill()
        await bench.vote(handle, "alice@example.com")
        await bench.until(handle, state="waiting_ledger")
        await handle.cancel()
        bench.rulebook.add("CancelDecided", actions=[{"name": "a", "cmd": marking(out, "other")}])
        bench.source.reload()
        proofd.start()
        assert await closed(bench, handle) == ("cancelled", IN_TEMPORAL)
    assert marks(out) == []
