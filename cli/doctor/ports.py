"""The addresses that Lumen listens on: free, or held by Lumen itself."""

from __future__ import annotations

import asyncio

from cli.doctor.finding import Finding, fail, ok, skip
from cli.doctor.scene import Scene
from cli.failure import CommandError
from cli.up.ports import Wanted, require_free

_PROCESSES = {"PROOFD_ADDR": "proofd", "LUMEN_WORKER_ADDR": "worker", "LUMEN_API_ADDR": "api"}


async def ports(scene: Scene) -> list[Finding]:
    """Find each address of ours that something else holds, or that cannot be listened on."""
    case = scene.case
    if case.up.held:
        return [ok(f"held by `lumen up` (process {case.up.pid})")]
    if scene.remote:
        return [skip("nothing of Lumen runs here")]
    # Temporal's ports matter to a `lumen up` that is still to start; separate processes use whatever server there is.
    wanted = [item for item in case.wanted if item.variable in _PROCESSES or scene.quiet]
    free = [item for item in wanted if _PROCESSES.get(item.variable) not in scene.running]
    findings = [one for item in free for one in await asyncio.to_thread(_taken, item, scene)]
    findings += _asked_twice(wanted)
    held = [item for item in wanted if item not in free]
    told = [f"{what}: {_listed(items)}" for what, items in (("free", free), ("held by Lumen", held)) if items]
    return findings or [ok("; ".join(told))]


def _listed(items: list[Wanted]) -> str:
    return ", ".join(str(item.address) for item in items)


def _taken(item: Wanted, scene: Scene) -> list[Finding]:
    try:
        require_free([item])
    except CommandError as error:
        found, _, fix = str(error).rpartition(": ")
        if item.variable == "LUMEN_TEMPORAL_PORT" and scene.temporal.client is not None:
            fix += f", or set TEMPORAL_ADDRESS={scene.temporal.address} to use that Temporal"
        return [fail(found, fix)]
    return []


def _asked_twice(wanted: list[Wanted]) -> list[Finding]:
    first: dict[int, Wanted] = {}
    findings = []
    for item in wanted:
        other = first.setdefault(item.address.port, item)
        if other is not item:
            found = f"{other.variable} and {item.variable} both ask for port {item.address.port}"
            findings.append(fail(found, f"change {item.variable}"))
    return findings
