"""What changes between a decision and a start, and what a human owes or is owed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from temporalio.client import WorkflowExecutionStatus

from lumen import names
from rules.source import RuleSource
from tests.stack.bench import Bench
from tests.stack.processes import Child
from tests.stack.receiver import Receiver
from tests.stack.rulebook import Rulebook
from tests.workflows.test_loop import marking, marks

WHO = {"actor": "oncall@example.com", "reason": "tests"}


async def test_override_approve_while_frozen_waits_quietly(bench: Bench, out: Path) -> None:
    """An override to approve does not break a freeze, and the episode waits without filling its history."""
    bench.rulebook.add("LookFrozen", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        freeze = await bench.client.start_workflow(
            names.FREEZE_WORKFLOW, WHO, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=WHO
        )
        handle = await bench.send(bench.alert("LookFrozen"))
        await bench.until(handle, state="blocked")
        await bench.override(handle, "approve")
        async with asyncio.timeout(20):
            while not await bench.entries_of(handle, "override"):
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        assert (await handle.describe()).history_length < 60
        assert marks(out) == []
        await freeze.signal("unfreeze", WHO)
        await bench.until_attempts(handle, 1)
        assert len(marks(out)) == 1


async def test_worker_with_other_rules_blocks_instead_of_looping(bench: Bench, out: Path, tmp_path: Path) -> None:
    """Where the worker that should act has other rules, the episode is blocked and says why; nothing runs."""
    action = {"name": "mark", "cmd": marking(out), "runner": "stale"}
    bench.rulebook.add("LookStale", mode="auto", actions=[action])
    bench.source.reload()
    other = Rulebook(tmp_path / "other")
    other.add("LookStale", mode="auto", actions=[{**action, "timeout": 61}])
    stale = replace(bench, source=RuleSource(other.folder, "signal"))
    async with bench.working(), stale.runner("stale"):
        handle = await bench.send(bench.alert("LookStale"))
        blocked = await bench.until(handle, state="blocked")
        assert "different rules" in blocked["state_reason"]
        assert (await handle.describe()).history_length < 80
        assert marks(out) == []


async def test_resolve_before_the_start_keeps_it_from_starting(
    bench: Bench, out: Path, start_proofd: Callable[[], tuple[Child, str]]
) -> None:
    """An alert that resolves while an automatic action waits for the ledger is not acted on any more."""
    proofd, url = start_proofd()
    bench.settings = replace(bench.settings, proofd_url=url)
    bench.rulebook.add("LookResolved", mode="auto", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        proofd.kill()
        alert = bench.alert("LookResolved")
        handle = await bench.send(alert)
        await bench.until(handle, state="waiting_ledger")
        await bench.resolve(alert)
        proofd.start()
        proofd.wait_until(f"{url}/healthz")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "resolved"
        assert marks(out) == []


async def test_unknown_owes_a_vote_until_somebody_gives_it(bench: Bench, receiver: Receiver) -> None:
    """After `unknown` an automatic rule asks, also when an attempt in between came to nothing or people said no."""
    bench.use_receiver(receiver)
    receiver.answer("/hook", 200, hold=30)
    receiver.prometheus([{"__name__": "up"}])
    action = {"name": "call", "http": {"method": "POST", "url": f"{receiver.url}/hook"}, "timeout": 1}
    bench.rulebook.add("LookOwed", mode="auto", when="up == 0", cooldown="1m", actions=[action])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LookOwed")
        handle = await bench.send(alert)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "unknown"
        receiver.prometheus([])
        await bench.send(bench.again(alert))
        await bench.pass_time(handle, minutes=2)
        assert (await bench.until_attempts(handle, 2))["outcome"] == "condition_not_met"
        receiver.prometheus([{"__name__": "up"}])
        await bench.send(bench.again(alert))
        await bench.pass_time(handle, minutes=2)
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com", "reject")
        await bench.until_attempts(handle, 3)
        await bench.resolve(alert)
        await bench.refire(alert)
        await bench.pass_time(handle, minutes=2)
        await bench.until(handle, state="awaiting_approval")
        assert len([request for request in receiver.requests if request.path == "/hook"]) == 1


async def test_vote_in_time_counts_though_no_worker_was_there(bench: Bench, out: Path) -> None:
    """A vote that was signalled before the deadline counts, even if the worker comes back only after it."""
    bench.rulebook.add("LookLate", approval={"timeout": "3s"}, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LookLate"))
        await bench.until(handle, state="awaiting_approval")
    await handle.signal(names.SIGNAL_VOTE, {"decision": "approve", "actor": "alice@example.com"})
    await asyncio.sleep(4)
    async with bench.working():
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_override_during_an_outage_of_the_ledger_keeps_the_vote_open(
    bench: Bench, out: Path, start_proofd: Callable[[], tuple[Child, str]]
) -> None:
    """An override that waits for the ledger does not close the request: votes still count, and the late override is dropped."""
    proofd, url = start_proofd()
    bench.settings = replace(bench.settings, proofd_url=url)
    bench.rulebook.add("LookOutage", cooldown="1s", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LookOutage", severity="critical")
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        proofd.kill()
        await bench.override(handle, "cancel", "came late")
        await asyncio.sleep(1)
        assert (await bench.vote(handle, "alice@example.com"))["status"] == "pending"
        assert (await bench.status(handle))["state"] == "awaiting_approval"
        await bench.resolve(alert)
        await bench.until(handle, state="waiting_ledger")
        proofd.start()
        proofd.wait_until(f"{url}/healthz")
        await bench.until_attempts(handle, 1)
        await bench.refire(alert)
        assert (await bench.until(handle, state="awaiting_approval"))["attempts"][0]["outcome"] in {
            "resolved",
            "cancelled",
        }
        assert len((await bench.status(handle))["attempts"]) == 1


async def test_rule_with_a_target_gets_its_second_attempt(bench: Bench, out: Path) -> None:
    """The target cools exactly as long as the episode: a rule does not suppress its own next attempt."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("LookTarget", mode="auto", target="{labels.instance}", cooldown="2s", actions=[action])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LookTarget", instance="l-1")
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        await bench.send(bench.again(alert))
        assert (await bench.until_attempts(handle, 2))["outcome"] == "remediated"
        assert len(marks(out)) == 2


async def test_cancel_ends_the_backoff_of_a_retry(bench: Bench, out: Path) -> None:
    """A cancel between two tries ends the attempt at once, and it is said that something ran."""
    cmd = ["/bin/sh", "-c", 'echo ran >> "$1"; exit 1', "sh", str(out)]
    action = {"name": "flaky", "cmd": cmd, "idempotent": True, "retry": {"attempts": 3, "backoff": "10m"}}
    bench.rulebook.add("LookBackoff", mode="auto", actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LookBackoff"))
        async with asyncio.timeout(20):
            while marks(out) != ["ran"]:
                await asyncio.sleep(0.05)
        await bench.override(handle, "cancel", "enough")
        done = await bench.until_attempts(handle, 1)
        assert (done["outcome"], done["attempts"][0]["ran"], marks(out)) == ("cancelled", True, ["ran"])
        [entry] = await bench.entries_of(handle, "auto_remediation")
        assert entry["parts"]["remediation"]["ran"] is True


async def test_cancel_in_temporal_while_blocked_is_recorded(bench: Bench, out: Path, receiver: Receiver) -> None:
    """`temporal workflow cancel` of a blocked episode ends it with an outcome and its entry in the ledger."""
    bench.use_receiver(receiver)
    receiver.fail_prometheus(503)
    bench.rulebook.add("LookCancel", mode="auto", when="up == 0", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LookCancel"))
        await bench.until(handle, state="blocked")
        await handle.cancel()
        assert (await handle.result())["outcome"] == "cancelled"
        assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
        assert len(await bench.entries_of(handle, "auto_remediation")) == 1


async def test_late_override_of_an_old_plan_is_not_used(bench: Bench, out: Path) -> None:
    """An override to approve that names the digest of another plan than the one that is asked about approves nothing."""
    bench.rulebook.add("LookDigest", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LookDigest"))
        before = await bench.until(handle, state="awaiting_approval")
        payload = {"decision": "approve", "actor": "oncall@example.com", "reason": "old page", "digest": "sha256:0"}
        await handle.signal(names.SIGNAL_OVERRIDE, payload)
        async with asyncio.timeout(20):
            after = await bench.status(handle)
            while after["approval"] is None or after["approval"]["id"] == before["approval"]["id"]:
                await asyncio.sleep(0.05)
                after = await bench.status(handle)
        assert marks(out) == []
