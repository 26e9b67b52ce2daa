"""Workflows that the running build cannot carry on, as after an upgrade whose change of workflow code lacks a patch."""

from __future__ import annotations

import re
from datetime import timedelta

from temporalio.service import RPCError

from cli.doctor.finding import Finding, fail, ok, skip
from cli.doctor.scene import Scene, is_worker

_GAUGE = re.compile(r"^lumen_workflows_stuck (\S+)", re.MULTILINE)
_REPORTED = "ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"
_SHOWN = 3


async def stuck(scene: Scene) -> list[Finding]:
    """Ask the worker of this machine, and Temporal, which reports it after some minutes and for every worker."""
    gauge = _GAUGE.search(scene.worker.text) if is_worker(scene.worker) else None
    reported = await _reported(scene)
    if gauge is None and reported is None:
        return [skip("no worker here tells, and Temporal does not either")]
    count = max(int(float(gauge[1])) if gauge else 0, len(reported or ()))
    if not count:
        return [ok("every open workflow can be carried on")]
    shown = f": {', '.join(reported[:_SHOWN])}" if reported else "; the log of the worker names them"
    return [
        fail(
            f"{count} open workflow{'s' if count > 1 else ''} cannot be carried on by the build that runs{shown}",
            "run the build before it again: nothing is lost, and they go on by themselves (docs/upgrades.md)",
        )
    ]


async def _reported(scene: Scene) -> list[str] | None:
    """Return the workflows with which Temporal reports problems; None where it is not asked or too old to say."""
    client = None if scene.quiet and scene.case.own_temporal else scene.temporal.client
    if client is None:
        return None
    try:
        timeout = timedelta(seconds=scene.eyes.seconds)
        return [one.id async for one in client.list_workflows(_REPORTED, limit=100, rpc_timeout=timeout)]
    except RPCError:
        return None
