"""Looking whether the remedy helped, and whether what may have run is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from lumen import names
from lumen.contracts import Probing
from lumen.outcome import State
from lumen.plan import Plan, PlannedAction, Verification
from lumen.probing import Judgement, Probed, ProbeRequest
from lumen.records import rfc3339
from rules.aftercare import RESOLVED, verify_line
from workflows import options
from workflows.live import LiveEpisode

_CMD = "cmd"


async def verify(live: LiveEpisode, plan: Plan, verification: Verification) -> Probed:
    """Look whether ``verification`` holds, note what was found for the ledger, and return it; a cancel ends it early."""
    began = workflow.now()
    live.enter(State.VERIFYING, verify_line(verification))
    if verification.kind == RESOLVED:
        found = await _until_resolved(live, verification)
    else:
        runner = plan.actions[-1].runner if verification.kind == _CMD else "default"
        longest = timedelta(seconds=2 * verification.within + 600)
        found = await _probe(live, _request(live, plan, ""), runner, longest, "verify")
    live.verification = _told(verification, found, rfc3339(began), rfc3339(workflow.now()))
    return found


async def is_done(live: LiveEpisode, plan: Plan, action: PlannedAction) -> bool:
    """Return whether the check of ``action`` says that it is done already."""
    longest = timedelta(seconds=action.timeout + options.KILL_GRACE + 60)
    request = _request(live, plan, action.name)
    found = await _probe(live, request, action.runner, longest, f"is {action.name} done?")
    return found.verdict is Judgement.HELD


async def _until_resolved(live: LiveEpisode, verification: Verification) -> Probed:
    """Wait for the alert to resolve and to stay so."""
    began = workflow.now()
    deadline = began + timedelta(seconds=verification.within)
    while not live.cancel_wanted:
        if live.resolved:
            since = max(live.episode.resolved_at or began, began)
            stable = since + timedelta(seconds=verification.stable_for)
            if workflow.now() >= stable:
                return Probed(Judgement.HELD, "", 1, _seconds_since(began))
            await _until_change(live, min(stable, deadline))
        else:
            await _until_change(live, deadline)
        if workflow.now() >= deadline and not (live.resolved and verification.stable_for == 0):
            break
    return Probed(Judgement.FAILED, "the alert did not resolve", 1, _seconds_since(began))


async def _until_change(live: LiveEpisode, until: datetime) -> None:
    heard = live.heard
    left = (until - workflow.now()).total_seconds()
    try:
        await workflow.wait_condition(
            lambda: live.heard != heard or live.cancel_wanted, timeout=max(left, 0.0), timeout_summary="verify"
        )
    except TimeoutError:
        return


async def _probe(live: LiveEpisode, request: ProbeRequest, runner: str, longest: timedelta, summary: str) -> Probed:
    handle = workflow.start_activity_method(
        Probing.probe,
        request,
        task_queue=names.runner_task_queue(runner),
        summary=summary[:200],
        **options.probing(longest),
    )
    await workflow.wait_condition(lambda: handle.done() or live.cancel_wanted)
    if not handle.done():
        handle.cancel()
    try:
        return await handle
    except ActivityError as error:
        if is_cancelled_exception(error):
            return Probed(Judgement.UNKNOWN, "cancelled")
        return Probed(Judgement.UNKNOWN, f"nobody could look: {error.cause or error}")


def _request(live: LiveEpisode, plan: Plan, action: str) -> ProbeRequest:
    assert live.episode.alert is not None  # noqa: S101 - a plan exists, so an alert does
    key = names.action_key(live.workflow_id, live.first_run_id, live.attempt, action or "verify")
    return ProbeRequest(live.episode.alert, live.workflow_id, plan.digest, key, live.attempt, action)


def _told(verification: Verification, found: Probed, began: str, ended: str) -> dict[str, Any]:
    return {
        "kind": verification.kind,
        "shown": verify_line(verification),
        "verdict": str(found.verdict),
        "reason": found.reason,
        "samples": found.samples,
        "started_at": began,
        "ended_at": ended,
    }


def _seconds_since(began: datetime) -> float:
    return (workflow.now() - began).total_seconds()
