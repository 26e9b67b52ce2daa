"""Episodes for each outcome, from the first alert to the close. Each function returns the histories to keep, by name."""

from __future__ import annotations

import asyncio

from lumen import names
from tests.replay.stage import ALICE, BOB, FALSE, LONG, WHO, Handle, Stage


async def remediated(stage: Stage) -> dict[str, Handle]:
    """Two people approve a critical alert, one by update and one by signal; the command runs; the alert resolves."""
    stage.rule()
    alert, handle = await stage.asking(severity="critical")
    await stage.bench.vote(handle, ALICE)
    await handle.signal(names.SIGNAL_VOTE, {"decision": "approve", "actor": BOB, "reason": "looked at it"})
    await stage.ended(handle, "remediated")
    return {"remediated": await stage.close(alert, handle)}


async def failed(stage: Stage) -> dict[str, Handle]:
    """An idempotent command fails twice, a human is told, the action behind it never runs."""
    action = {**FALSE, "idempotent": True, "retry": {"attempts": 2, "backoff": "1s"}}
    stage.rule(mode="auto", actions=[action, {"name": "never", "proof": True}])
    alert, handle = await stage.fire()
    await stage.bench.pass_time(handle, seconds=2)
    await stage.ended(handle, "failed")
    return {"failed": await stage.close(alert, handle)}


async def unknown(stage: Stage) -> dict[str, Handle]:
    """A request is never answered: a human is told, and the next attempt asks although the mode is auto."""
    stage.receiver.answer("/hook", 200, hold=30)
    action = {"name": "run", "http": {"method": "POST", "url": f"{stage.receiver.url}/hook"}, "timeout": 1}
    stage.rule(mode="auto", cooldown="1m", actions=[action])
    alert, handle = await stage.fire()
    await stage.ended(handle, "unknown")
    await stage.bench.send(stage.bench.again(alert))
    await stage.bench.pass_time(handle, minutes=2)
    await stage.bench.until(handle, state="awaiting_approval")
    stage.receiver.answer("/hook", 200)
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "remediated", 2)
    return {"unknown-then-voted": await stage.close(alert, handle)}


async def unknown_to_the_end(stage: Stage) -> dict[str, Handle]:
    """A request is never answered and the alert resolves."""
    stage.receiver.answer("/hook", 200, hold=30)
    action = {"name": "run", "http": {"method": "POST", "url": f"{stage.receiver.url}/hook"}, "timeout": 1}
    stage.rule(mode="auto", actions=[action])
    alert, handle = await stage.fire()
    await stage.ended(handle, "unknown")
    return {"unknown": await stage.close(alert, handle)}


async def rejected(stage: Stage) -> dict[str, Handle]:
    """Somebody rejects."""
    stage.rule()
    alert, handle = await stage.asking()
    await stage.bench.vote(handle, ALICE, "reject", reason="wrong remedy")
    await stage.ended(handle, "rejected")
    return {"rejected": await stage.close(alert, handle)}


async def expired(stage: Stage) -> dict[str, Handle]:
    """Nobody decides within the hour."""
    stage.rule()
    alert, handle = await stage.asking()
    await stage.bench.pass_time(handle, minutes=61)
    await stage.ended(handle, "expired")
    return {"expired": await stage.close(alert, handle)}


async def resolved(stage: Stage) -> dict[str, Handle]:
    """The alert resolves while people are asked."""
    stage.rule()
    alert, handle = await stage.asking()
    await stage.bench.resolve(alert)
    await stage.ended(handle, "resolved")
    return {"resolved": await stage.close(alert, handle)}


async def condition_not_met(stage: Stage) -> dict[str, Handle]:
    """The condition cannot be evaluated, then holds, and no longer holds after the vote."""
    stage.rule(when="up == 0")
    stage.receiver.fail_prometheus(503)
    alert, handle = await stage.fire()
    await stage.bench.until(handle, state="blocked")
    stage.receiver.prometheus([{"__name__": "up"}])
    await handle.signal(names.SIGNAL_WAKE, "by hand")
    await stage.bench.until(handle, state="awaiting_approval")
    stage.receiver.prometheus([])
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "condition_not_met")
    return {"condition_not_met": await stage.close(alert, handle)}


async def suppressed(stage: Stage) -> dict[str, Handle]:
    """A second episode meets the cooldown of its target; the cooldown is cleared by hand."""
    stage.rule(mode="auto", target="{labels.instance}")
    first, acting = await stage.fire(instance="host1", disk="a")
    await stage.ended(acting, "remediated")
    second, handle = await stage.fire(instance="host1", disk="b")
    await stage.ended(handle, "suppressed")
    guard = stage.guard("host1")
    await guard.signal(names.GUARD_CLEAR, {"rule": "", **WHO})
    await stage.close(first, acting)
    await stage.close(second, handle)
    await stage.bench.pass_time(guard, minutes=30)
    await guard.result()
    return {"suppressed": handle, "guard-cooldown-cleared": guard}


async def refused(stage: Stage) -> dict[str, Handle]:
    """A label may not become an argument; a human is told."""
    stage.rule(mode="auto", actions=[{"name": "run", "cmd": ["/bin/true", "{labels.instance}"]}])
    alert, handle = await stage.fire(instance="--help")
    await stage.ended(handle, "refused")
    return {"refused": await stage.close(alert, handle)}


async def dry_run(stage: Stage) -> dict[str, Handle]:
    """A dry run is approved and executes nothing."""
    stage.rule(dry_run=True)
    alert, handle = await stage.asking()
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "dry_run")
    return {"dry_run": await stage.close(alert, handle)}


async def cancelled(stage: Stage) -> dict[str, Handle]:
    """An override cancels a running command."""
    stage.rule(mode="auto", actions=[LONG])
    alert, handle = await stage.fire()
    async with asyncio.timeout(20):
        while not await stage.bench.entries_of(handle, "action.started"):
            await asyncio.sleep(0.05)
    await stage.bench.override(handle, "cancel")
    await stage.ended(handle, "cancelled")
    return {"cancelled": await stage.close(alert, handle)}


async def cancelled_in_temporal(stage: Stage) -> dict[str, Handle]:
    """The workflow is cancelled with Temporal's own cancel."""
    stage.rule()
    _, handle = await stage.asking()
    await handle.cancel()
    await handle.result()
    return {"cancelled-in-temporal": handle}
