"""Episodes that look whether they helped, undo what did not, or have no budget left, and a command; as in ``outcomes``."""

from __future__ import annotations

import asyncio
from typing import Any

from api.commands import TemporalCommands
from lumen import names
from lumen.command import Command
from tests.replay.stage import ALICE, BOB, FALSE, LONG, WHO, Handle, Stage
from tests.stack.rulebook import POLICY

UNHELPFUL = {"cmd": ["/bin/false"], "within": "1s"}
UNDO = {"cmd": ["/bin/true", "undo"]}
UNDOABLE: list[dict[str, Any]] = [
    {"name": "first", "cmd": ["/bin/true", "first"], "rollback": UNDO},
    {"name": "second", "cmd": ["/bin/true", "second"], "rollback": UNDO},
]


async def verified(stage: Stage) -> dict[str, Handle]:
    """The command runs, and Prometheus says for long enough that it helped."""
    stage.receiver.prometheus([{"instance": "host1"}])
    stage.rule(mode="auto", verify={"promql": "up == 1", "for": "1s", "within": "20s", "every": "1s"})
    alert, handle = await stage.fire()
    await stage.ended(handle, "remediated")
    return {"verified": await stage.close(alert, handle)}


async def verified_by_the_alert(stage: Stage) -> dict[str, Handle]:
    """The alert has to resolve: it does, fires again, resolves, and stays so for long enough."""
    stage.rule(mode="auto", verify={"resolved": True, "for": "2m", "within": "10m"})
    alert, handle = await stage.fire()
    await stage.bench.until(handle, state="verifying")
    await stage.bench.resolve(alert)
    await stage.bench.pass_time(handle, minutes=1)
    await stage.bench.refire(alert)
    await stage.bench.pass_time(handle, minutes=1)
    await stage.bench.resolve(alert)
    await stage.bench.pass_time(handle, minutes=3)
    await stage.ended(handle, "remediated")
    return {"verified-resolved": await stage.close(alert, handle)}


async def rolled_back(stage: Stage) -> dict[str, Handle]:
    """It did not help; what was done is undone in reverse, and a human is told."""
    stage.rule(actions=UNDOABLE, verify=UNHELPFUL)
    alert, handle = await stage.asking()
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "rolled_back")
    await stage.receiver.until(2)
    return {"rolled_back": await stage.close(alert, handle)}


async def rollback_failed(stage: Stage) -> dict[str, Handle]:
    """The alert does not resolve in time, one of two rollbacks fails, and the other still runs."""
    actions = [UNDOABLE[0], {**UNDOABLE[1], "rollback": {"cmd": ["/bin/false"]}}]
    stage.rule(mode="auto", actions=actions, verify={"resolved": True, "within": "10m"})
    alert, handle = await stage.fire()
    await stage.bench.until(handle, state="verifying")
    await stage.bench.pass_time(handle, minutes=11)
    await stage.ended(handle, "failed")
    return {"rollback-failed": await stage.close(alert, handle)}


async def rollback_approved(stage: Stage) -> dict[str, Handle]:
    """Two people let it be undone; one of them was asked for the remedy as well."""
    stage.rule(actions=UNDOABLE, verify=UNHELPFUL, rollback_approval={"approve": 2})
    alert, handle = await stage.asking()
    before = (await stage.bench.status(handle))["approval"]["id"]
    await stage.bench.vote(handle, ALICE)
    await _asked_about_the_rollback(stage, handle, before)
    await stage.bench.vote(handle, ALICE)
    await stage.bench.vote(handle, BOB)
    await stage.ended(handle, "rolled_back")
    return {"rollback-approved": await stage.close(alert, handle)}


async def rollback_rejected(stage: Stage) -> dict[str, Handle]:
    """Somebody does not let it be undone: the outcome stays failed."""
    stage.rule(mode="auto", actions=UNDOABLE, verify=UNHELPFUL, rollback_approval={"timeout": "30m"})
    alert, handle = await stage.asking()
    await stage.bench.vote(handle, ALICE, "reject", reason="leave it")
    await stage.ended(handle, "failed")
    return {"rollback-rejected": await stage.close(alert, handle)}


async def _asked_about_the_rollback(stage: Stage, handle: Handle, before: str) -> None:
    async with asyncio.timeout(20):
        while ((await stage.bench.status(handle))["approval"] or {}).get("id") in {before, None}:
            await asyncio.sleep(0.05)


async def cancelled_and_undone(stage: Stage) -> dict[str, Handle]:
    """An override cancels the second of two commands; both are undone and the outcome stays cancelled."""
    stage.rule(mode="auto", actions=[UNDOABLE[0], {**LONG, "rollback": UNDO}])
    alert, handle = await stage.fire()
    async with asyncio.timeout(20):
        while len(await stage.bench.entries_of(handle, "action.started")) < len(UNDOABLE):
            await asyncio.sleep(0.05)
    await stage.bench.override(handle, "cancel")
    await stage.ended(handle, "cancelled")
    return {"cancelled-undone": await stage.close(alert, handle)}


async def cancelled_in_temporal_and_undone(stage: Stage) -> dict[str, Handle]:
    """Temporal's own cancel comes while it is verified: both commands are undone and the episode closes."""
    stage.rule(mode="auto", actions=UNDOABLE, verify={"resolved": True, "within": "10m"})
    _, handle = await stage.fire()
    await stage.bench.until(handle, state="verifying")
    await handle.cancel()
    await handle.result()
    return {"cancelled-in-temporal-undone": handle}


async def checked(stage: Stage) -> dict[str, Handle]:
    """A command fails half way, and its check says that it is done: it is not started again."""
    action = {**FALSE, "idempotent": True, "retry": {"attempts": 3, "backoff": "1s"}, "check": ["/bin/true"]}
    stage.rule(mode="auto", actions=[action])
    alert, handle = await stage.fire()
    await stage.bench.pass_time(handle, seconds=2)
    await stage.ended(handle, "remediated")
    return {"checked": await stage.close(alert, handle)}


async def budget_spent(stage: Stage) -> dict[str, Handle]:
    """A second episode waits for the only run, and is suppressed when the first has had it; a human clears the budget."""
    stage.rule(cooldown=0, limits={"max_runs": 1, "per": "1h"})
    first, acting = await stage.asking(disk="a")
    second, handle = await stage.fire(disk="b")
    await stage.bench.until(handle, state="blocked")
    await stage.bench.vote(acting, ALICE)
    await stage.ended(handle, "suppressed")
    guard: Handle = stage.bench.client.get_workflow_handle(names.budget_guard_id(stage.name))
    await guard.signal(names.GUARD_CLEAR, {"rule": stage.name, **WHO})
    await stage.close(first, acting)
    await stage.close(second, handle)
    await stage.bench.pass_time(guard, minutes=61)
    await guard.result()
    return {"budget-spent": handle, "guard-budget": guard}


async def breaker(stage: Stage) -> dict[str, Handle]:
    """What was approved does not run, since another episode of the rule has failed meanwhile."""
    stage.rule(actions=[FALSE], limits={"failures": 1, "per": "1h"})
    first, failing = await stage.asking(disk="a")
    second, handle = await stage.asking(disk="b")
    await stage.bench.vote(failing, ALICE)
    await stage.ended(failing, "failed")
    guard: Handle = stage.bench.client.get_workflow_handle(names.budget_guard_id(stage.name))
    async with asyncio.timeout(20):
        while not (await guard.query(names.QUERY_STATUS))["runs"]:
            await asyncio.sleep(0.05)
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "suppressed")
    await stage.close(first, failing)
    await stage.close(second, handle)
    return {"breaker": handle}


async def command(stage: Stage) -> dict[str, Handle]:
    """The bus is away for a moment; the command goes out and both entries are there."""
    stage.rule()
    stage.bench.rulebook.policy(**POLICY, commands=["reduce-gain"])
    stage.bench.source.reload()
    stage.receiver.answer("/bus", 503)
    wish = Command("reduce-gain", {"factor": 0.8}, ALICE, "recorded-1")
    handle: Handle = stage.bench.client.get_workflow_handle(await TemporalCommands(stage.bench.client).start(wish))
    await stage.receiver.until(1)
    stage.receiver.answer("/bus", 200)
    assert (await handle.result())["state"] == "sent"
    return {"command": handle}
