"""Looking whether something holds: the check of an action, and the verification after all of them. Nothing is claimed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from temporalio import activity

from activities.kinds.protocol import Kind
from activities.planning import current_plan
from activities.prometheus import Prometheus, PrometheusUnavailableError
from lumen.contracts import Probing
from lumen.display import printable, truncate
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction, Verification
from lumen.probing import Judgement, Probed, ProbeRequest
from rules.source import RuleSource
from rules.surroundings import surroundings_of

_HEARTBEAT = 2.0
_PROMQL, _CMD = "promql", "cmd"
_LONGEST_LOOK = 30.0
_REASON_BYTES = 500


@dataclass(frozen=True)
class Look:
    """What one look found; ``holds`` is None when nobody could say."""

    holds: bool | None
    reason: str = ""


class LocalProbing(Probing):
    """Looks with the means of this worker, at plans that it makes itself."""

    def __init__(self, source: RuleSource, prometheus: Prometheus, kinds: Mapping[str, Kind]) -> None:
        """Keep the collaborators."""
        self._source = source
        self._prometheus = prometheus
        self._kinds = kinds

    @activity.defn(name="probe")
    async def probe(self, request: ProbeRequest) -> Probed:
        """Look once at a check, or as long and as often as the verification of the plan says."""
        plan = current_plan(self._source, request.alert)
        if not isinstance(plan, Plan) or plan.digest != request.digest:
            return Probed(Judgement.UNKNOWN, "the rule changed, so it is not known what should hold")
        async with _heartbeats():
            if request.action:
                return await self._check(request, plan)
            if plan.verify is None:
                return Probed(Judgement.HELD, "nothing is to be verified")
            return await self._verify(request, plan, plan.verify)

    async def _check(self, request: ProbeRequest, plan: Plan) -> Probed:
        step = plan.step(request.action)
        if step is None or not step.check:
            return Probed(Judgement.UNKNOWN, f"{request.action} has no check")
        # As the same user, with the same limits and secrets as the command that it is about.
        around = surroundings_of(step.spec) if step.kind == _CMD else {}
        looking = PlannedAction(f"{step.name} (check)", _CMD, {**around, "argv": list(step.check)}, step.timeout)
        began = time.monotonic()
        look = await self._run(looking, plan, request)
        judgement = Judgement.UNKNOWN if look.holds is None else Judgement.HELD if look.holds else Judgement.FAILED
        return Probed(judgement, look.reason, 1, round(time.monotonic() - began, 3))

    async def _verify(self, request: ProbeRequest, plan: Plan, verify: Verification) -> Probed:
        async def look() -> Look:
            if verify.kind == _PROMQL:
                return await self._query(verify.spec["query"])
            within = min(_LONGEST_LOOK, verify.within)
            return await self._run(PlannedAction("verify", verify.kind, verify.spec, within), plan, request)

        return await watched(look, verify)

    async def _query(self, promql: str) -> Look:
        try:
            holds = await self._prometheus.holds(promql)
        except PrometheusUnavailableError as error:
            return Look(None, str(error))
        return Look(holds, "" if holds else f"nothing answers {promql}")

    async def _run(self, step: PlannedAction, plan: Plan, request: ProbeRequest) -> Look:
        kind = self._kinds.get(step.kind)
        if kind is None:
            return Look(None, f"this worker does not know {step.kind}")
        execute = ExecuteRequest(
            request.alert, request.workflow_id, request.digest, step.name, request.key, 0, request.attempt
        )
        ended = await kind.run(step, plan, execute, asyncio.Event())
        reason = truncate(printable(ended.reason), _REASON_BYTES)
        if ended.status is ActionStatus.SUCCEEDED:
            return Look(holds=True)
        # A look that was begun and not answered is no answer; anything else is a no.
        return Look(None if ended.status is ActionStatus.UNKNOWN else False, reason)


async def watched(look: Callable[[], Awaitable[Look]], verify: Verification) -> Probed:
    """Look until it has held for long enough on end, or until the time is over; what nobody can say breaks the row."""
    began = time.monotonic()
    held_since: float | None = None
    samples = 0
    while True:
        found = await look()
        samples += 1
        now = time.monotonic()
        held_since = (now if held_since is None else held_since) if found.holds else None
        if held_since is not None and now - held_since >= verify.stable_for:
            return Probed(Judgement.HELD, "", samples, round(now - began, 3))
        left = began + verify.within - now
        if left <= 0:
            judgement = Judgement.UNKNOWN if found.holds is None else Judgement.FAILED
            reason = found.reason or f"it did not hold for {verify.stable_for:g} s on end"
            return Probed(judgement, reason, samples, round(now - began, 3))
        due = verify.every if held_since is None else min(verify.every, held_since + verify.stable_for - now)
        await asyncio.sleep(max(0.0, min(due, left)))


@contextlib.asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    """Tell Temporal that this goes on, so that it is begun anew soon after its worker was lost."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
