"""Episodes that take the long way, and the guards, intakes and freezes beside them; as in ``outcomes``."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio.client import WorkflowHandle

from activities.routing import AlertRouter
from lumen import names
from lumen.alert import SOURCE_REQUEST, AlertStatus
from tests.replay.stage import ALICE, BOB, TRUE, WHO, Handle, Stage


async def three_attempts(stage: Stage) -> dict[str, Handle]:
    """The alert keeps firing through three attempts, and a human is told that they are used up."""
    stage.rule(cooldown="10m")
    alert, handle = await stage.fire()
    for attempt in (1, 2, 3):
        await stage.bench.until(handle, state="awaiting_approval")
        await stage.bench.vote(handle, ALICE)
        await stage.ended(handle, "remediated", attempt)
        await stage.bench.send(stage.bench.again(alert))
        await stage.bench.pass_time(handle, minutes=11)
    await stage.receiver.until(2)
    return {"three-attempts": await stage.close(alert, handle)}


async def waiting_ledger(stage: Stage) -> dict[str, Handle]:
    """The ledger is away when the vote is to be recorded; nothing runs until it is back."""
    stage.rule()
    alert, handle = await stage.asking()
    stage.proofd.kill()
    await stage.bench.vote(handle, ALICE)
    await stage.bench.until(handle, state="waiting_ledger")
    await back(stage)
    await stage.ended(handle, "remediated")
    return {"waiting-ledger-decision": await stage.close(alert, handle)}


async def waiting_ledger_claim(stage: Stage) -> dict[str, Handle]:
    """The ledger is away when an action is to be claimed; it is voided, and claimed again when the ledger is back."""
    stage.rule(mode="auto")
    stage.proofd.kill()
    alert, handle = await stage.fire()
    await stage.bench.until(handle, state="waiting_ledger")
    await back(stage)
    async with asyncio.timeout(60):
        while "action.void" not in [entry["kind"] for entry in await stage.bench.entries()]:
            await asyncio.sleep(0.1)
    await stage.bench.pass_time(handle, minutes=2)
    await stage.ended(handle, "remediated")
    return {"waiting-ledger-claim": await stage.close(alert, handle)}


async def back(stage: Stage) -> None:
    """Start the ledger again and wait for it."""
    stage.proofd.start()
    await asyncio.to_thread(stage.proofd.wait_until, f"{stage.bench.settings.proofd_url}/healthz")


async def blocked_guard(stage: Stage) -> dict[str, Handle]:
    """A second episode waits for the target that the first holds, gets it, and a third leaves the queue."""
    stage.rule(target="{labels.instance}", limits={"concurrency": 5})
    first, holder = await stage.asking(instance="host2", disk="a")
    second, handle = await stage.fire(instance="host2", disk="b")
    await stage.bench.until(handle, state="blocked")
    third, leaving = await stage.fire(instance="host2", disk="c")
    await stage.bench.until(leaving, state="blocked")
    await stage.close(third, leaving)
    await stage.bench.vote(holder, ALICE, "reject")
    await stage.bench.until(handle, state="awaiting_approval")
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "remediated")
    await stage.close(first, holder)
    await stage.close(second, handle)
    guard = stage.guard("host2")
    await stage.bench.pass_time(guard, minutes=30)
    await guard.result()
    return {"blocked-guard": handle, "guard-queue": guard}


async def dead_holder(stage: Stage) -> dict[str, Handle]:
    """A holder is terminated; its guard asks after it when the lease is over and frees its place."""
    stage.rule(target="{labels.instance}")
    _, holder = await stage.asking(instance="host3")
    await holder.terminate("gone")
    guard = stage.guard("host3")
    await stage.bench.pass_time(guard, hours=3)
    await guard.result()
    return {"guard-dead-holder": guard}


async def frozen(stage: Stage) -> dict[str, Handle]:
    """A freeze blocks an episode; the thaw wakes it."""
    stage.rule(mode="auto")
    freeze: WorkflowHandle[object, None] = await stage.bench.client.start_workflow(
        names.FREEZE_WORKFLOW, WHO, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=WHO
    )
    alert, handle = await stage.fire()
    await stage.bench.until(handle, state="blocked")
    await freeze.signal("unfreeze", WHO)
    await freeze.result()
    await stage.bench.pass_time(handle, minutes=1)
    await stage.ended(handle, "remediated")
    return {"frozen": await stage.close(alert, handle), "freeze": freeze}


async def woken(stage: Stage) -> dict[str, Handle]:
    """What a freeze leaves behind wakes the blocked episodes twice."""
    freeze: WorkflowHandle[object, None] = await stage.bench.client.start_workflow(
        names.FREEZE_WORKFLOW, WHO, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=WHO
    )
    await freeze.signal("unfreeze", WHO)
    await freeze.result()
    wake: Handle = stage.bench.client.get_workflow_handle(f"{names.FREEZE_ID}-wake-{freeze.result_run_id}")
    await stage.bench.pass_time(wake, seconds=15)
    await wake.result()
    return {"wake": wake}


async def changed_rule(stage: Stage) -> dict[str, Handle]:
    """The rule changes while people are asked: the vote is refused, the episode asks anew."""
    stage.rule()
    alert, handle = await stage.asking()
    before = (await stage.bench.status(handle))["approval"]["id"]
    stage.rule(actions=[{**TRUE, "timeout": 30}])
    await handle.signal(names.SIGNAL_VOTE, {"decision": "approve", "actor": ALICE, "reason": ""})
    async with asyncio.timeout(20):
        while ((await stage.bench.status(handle))["approval"] or {}).get("id") in {before, None}:
            await asyncio.sleep(0.05)
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "remediated")
    return {"changed-rule": await stage.close(alert, handle)}


async def overridden(stage: Stage) -> dict[str, Handle]:
    """Overrides approve, then retry while it cools; then the cooldown is cleared."""
    stage.rule()
    alert, handle = await stage.asking(severity="critical")
    await stage.bench.override(handle, "approve")
    await stage.ended(handle, "remediated")
    await stage.bench.override(handle, "retry")
    await stage.bench.until(handle, state="awaiting_approval")
    await stage.bench.override(handle, "approve")
    await stage.ended(handle, "remediated", 2)
    await handle.signal(names.SIGNAL_CLEAR_COOLDOWN, WHO)
    await stage.bench.until(handle, state="watching")
    return {"overridden": await stage.close(alert, handle)}


async def intake(stage: Stage) -> dict[str, Handle]:
    """A body of many alerts is handed over; one is a resolve that came before its firing."""
    stage.rule(mode="auto")
    alerts = [stage.bench.alert(stage.name, number=str(number)) for number in range(3)]
    early = stage.bench.alert(stage.name, number="early")
    resolve = stage.bench.again(early, status=AlertStatus.RESOLVED)
    [workflow_id, *_] = await AlertRouter(stage.bench.client).queue([*alerts, resolve])
    handle: Handle = stage.bench.client.get_workflow_handle(workflow_id)
    for alert in alerts:
        await stage.bench.until(stage.bench.handle(alert), state="cooling")
    await stage.bench.send(early)
    await stage.bench.pass_time(handle, seconds=20)
    assert (await handle.result())["resolved"] == 1
    return {"intake": handle}


async def intake_not_open(stage: Stage) -> dict[str, Handle]:
    """A resolve never finds an episode, and is given up after its time."""
    stage.rule(mode="auto")
    lost = stage.bench.again(stage.bench.alert(stage.name), status=AlertStatus.RESOLVED)
    [workflow_id] = await AlertRouter(stage.bench.client).queue([lost])
    handle: Handle = stage.bench.client.get_workflow_handle(workflow_id)
    await stage.bench.pass_time(handle, minutes=4)
    assert (await handle.result())["not_open"] == 1
    return {"intake-not-open": handle}


async def requested(stage: Stage) -> dict[str, Handle]:
    """A person asks for the rule: it is approved and runs, is asked for again while it cools, and closes by itself."""
    stage.rule(cooldown="10m")
    asked = replace(stage.bench.alert(stage.name, requested_by=ALICE), source=SOURCE_REQUEST)
    handle = await stage.bench.send(asked)
    await stage.bench.until(handle, state="awaiting_approval")
    await stage.bench.vote(handle, BOB)
    await stage.ended(handle, "remediated")
    await stage.bench.send(stage.bench.again(asked))
    await stage.bench.pass_time(handle, minutes=11)
    await handle.result()
    return {"requested": handle}
