"""What a rule may do in a period, over all its episodes: runs, targets, failures. What is suppressed says by what."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from lumen import names
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks

FAILING = {"name": "fail", "cmd": ["/bin/false"]}


async def ended(bench: Bench, handles: list[WorkflowHandle[Any, Any]]) -> list[dict[str, Any]]:
    """Return the first attempt of each episode."""
    documents = await asyncio.gather(*(bench.until_attempts(handle, 1) for handle in handles))
    return [document["attempts"][0] for document in documents]


async def test_three_runs_an_hour_over_fifty_episodes(bench: Bench, out: Path) -> None:
    """Exactly three run; the others are suppressed, and each says by what and until when."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("BudgetRuns", mode="auto", cooldown=0, limits={"max_runs": 3, "per": "1h"}, actions=[action])
    bench.source.reload()
    async with bench.working():
        handles = [await bench.send(bench.alert("BudgetRuns", disk=str(number))) for number in range(50)]
        attempts = await ended(bench, handles)
        outcomes = [attempt["outcome"] for attempt in attempts]
        assert (outcomes.count("remediated"), outcomes.count("suppressed")) == (3, 47)
        reasons = {attempt["reason"] for attempt in attempts if attempt["outcome"] == "suppressed"}
        assert all("rule BudgetRuns has had its 3 run(s) within 1:00:00, until 20" in reason for reason in reasons)
        assert len(marks(out)) == 3


async def test_five_targets_of_twenty(bench: Bench, out: Path) -> None:
    """A rule that goes wild over a fleet stops at its number of targets; those it has touched it may touch again."""
    action = {"name": "mark", "cmd": marking(out, "$LUMEN_TARGET")}
    bench.rulebook.add(
        "BudgetTargets",
        mode="auto",
        cooldown=0,
        target="{labels.instance}",
        limits={"max_targets": 5, "per": "1h"},
        actions=[action],
    )
    bench.source.reload()
    async with bench.working():
        handles = [await bench.send(bench.alert("BudgetTargets", instance=f"h{number}")) for number in range(20)]
        outcomes = [attempt["outcome"] for attempt in await ended(bench, handles)]
        assert (outcomes.count("remediated"), outcomes.count("suppressed")) == (5, 15)
        touched = marks(out)
        assert len(touched) == len(set(touched)) == 5
        again = await bench.send(bench.alert("BudgetTargets", instance=touched[0], disk="b"))
        assert (await ended(bench, [again]))[0]["outcome"] == "remediated"


async def test_what_people_reject_uses_nothing_up(bench: Bench, out: Path) -> None:
    """A second episode waits while the first, which has the only run, is asked about, and gets it after a no."""
    action = {"name": "mark", "cmd": marking(out)}
    bench.rulebook.add("BudgetReject", limits={"max_runs": 1, "per": "1h"}, actions=[action])
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("BudgetReject", disk="a"))
        await bench.until(first, state="awaiting_approval")
        second = await bench.send(bench.alert("BudgetReject", disk="b"))
        await bench.until(second, state="blocked")
        await bench.vote(first, "alice@example.com", "reject")
        await bench.until(second, state="awaiting_approval")
        await bench.vote(second, "alice@example.com")
        assert (await ended(bench, [second]))[0]["outcome"] == "remediated"


async def test_failures_open_the_breaker_until_a_human_closes_it(bench: Bench, out: Path) -> None:
    """After two failed remediations nothing runs, not even what was decided meanwhile; cleared, it goes on."""
    bench.rulebook.add("BudgetBreaker", limits={"failures": 2, "per": "1h"}, actions=[FAILING])
    bench.source.reload()
    async with bench.working():
        handles = [await bench.send(bench.alert("BudgetBreaker", disk=str(number))) for number in range(3)]
        for handle in handles:
            await bench.until(handle, state="awaiting_approval")
        for handle in handles[:2]:
            await bench.vote(handle, "alice@example.com")
            assert (await ended(bench, [handle]))[0]["outcome"] == "failed"
        guard = bench.client.get_workflow_handle(names.budget_guard_id("BudgetBreaker"))
        async with asyncio.timeout(20):
            while len((await guard.query(names.QUERY_STATUS))["runs"]) < 2:
                await asyncio.sleep(0.05)
        await bench.vote(handles[2], "alice@example.com")
        [stopped] = await ended(bench, [handles[2]])
        assert (stopped["outcome"], stopped["ran"]) == ("suppressed", False)
        assert "rule BudgetBreaker has failed 2 time(s)" in stopped["reason"]
        await guard.signal(names.GUARD_CLEAR, {"rule": "", "actor": "oncall@example.com", "reason": "fixed"})
        async with asyncio.timeout(20):
            while (await guard.query(names.QUERY_STATUS))["runs"]:
                await asyncio.sleep(0.05)
        bench.rulebook.add("BudgetBreaker", mode="auto", actions=[{"name": "mark", "cmd": marking(out)}])
        bench.source.reload()
        after = await bench.send(bench.alert("BudgetBreaker", disk="after"))
        assert (await ended(bench, [after]))[0]["outcome"] == "remediated"


async def test_the_period_ends(bench: Bench, out: Path) -> None:
    """An hour after the run there is another one; the guard kept it meanwhile, in skipped time."""
    action = {"name": "mark", "cmd": marking(out)}
    rule = {"mode": "auto", "cooldown": 0, "limits": {"max_runs": 1, "per": "1h"}, "actions": [action]}
    bench.rulebook.add("BudgetPeriod", **rule)
    bench.source.reload()
    async with bench.working():
        first = await bench.send(bench.alert("BudgetPeriod", disk="a"))
        assert (await ended(bench, [first]))[0]["outcome"] == "remediated"
        guard = bench.client.get_workflow_handle(names.budget_guard_id("BudgetPeriod"))
        async with asyncio.timeout(20):
            while not (await guard.query(names.QUERY_STATUS))["runs"]:
                await asyncio.sleep(0.05)
        second = await bench.send(bench.alert("BudgetPeriod", disk="b"))
        assert (await ended(bench, [second]))[0]["outcome"] == "suppressed"
        await bench.pass_time(guard, minutes=61)
        third = await bench.send(bench.alert("BudgetPeriod", disk="c"))
        assert (await ended(bench, [third]))[0]["outcome"] == "remediated"


async def test_a_dry_run_reads_the_budget_and_uses_nothing_up(bench: Bench) -> None:
    """What would be suppressed is, and nothing is reserved."""
    rule = {"mode": "auto", "cooldown": 0, "limits": {"max_runs": 1, "per": "1h"}, "actions": [{"proof": True}]}
    bench.rulebook.add("BudgetDry", **rule, dry_run=True)
    bench.source.reload()
    async with bench.working():
        for disk in ("a", "b"):
            handle = await bench.send(bench.alert("BudgetDry", disk=disk))
            assert (await ended(bench, [handle]))[0]["outcome"] == "dry_run"
        bench.rulebook.add("BudgetDry", **rule)
        bench.source.reload()
        real = await bench.send(bench.alert("BudgetDry", disk="c"))
        assert (await ended(bench, [real]))[0]["outcome"] == "remediated"
        guard = bench.client.get_workflow_handle(names.budget_guard_id("BudgetDry"))
        async with asyncio.timeout(20):
            while not (await guard.query(names.QUERY_STATUS))["runs"]:
                await asyncio.sleep(0.05)
        bench.rulebook.add("BudgetDry", **rule, dry_run=True)
        bench.source.reload()
        handle = await bench.send(bench.alert("BudgetDry", disk="d"))
        assert (await ended(bench, [handle]))[0]["outcome"] == "suppressed"
