"""Lumen's own processes: whether they run, let us in, and are of one version."""

from __future__ import annotations

import asyncio
import os
import re
from importlib.metadata import version

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene, is_api, is_worker
from cli.doctor.sight import Sighting
from cli.doctor.temporal import workers_elsewhere
from cli.settings import local_url

_VERSION = re.compile(r'^lumen_build_info\{version="([^"]*)"\} 1', re.MULTILINE)


async def lumen(scene: Scene) -> list[Finding]:
    """Say what runs here."""
    up, data_dir = scene.case.up, scene.case.data_dir
    if scene.remote:
        return [ok(f"Lumen answers at {scene.api_url}; none of it runs here")]
    if up.held and scene.quiet:
        return [
            warn(f"`lumen up` (process {up.pid}) is still starting, or stopping", f"wait; its logs: {data_dir}/logs")
        ]
    if up.held:
        return [ok(f"`lumen up` runs here (process {up.pid}), its data is in {data_dir}")]
    if scene.quiet:
        # access() also answers where this user may not look.
        logs = f"; the logs of the last time: {data_dir}/logs" if os.access(data_dir / "logs", os.R_OK) else ""
        how = "start with make run (or: lumen up)"
        if not scene.case.own_temporal:
            how += "; on their own: lumen proofd, lumen worker, lumen api"
        return [fail(f"nothing runs here (data directory {data_dir}{logs})", how)]
    return [ok(f"separate processes; here answer: {', '.join(scene.running)}")]


async def api(scene: Scene) -> list[Finding]:
    """Look for the API, and ask it whether it can accept alerts."""
    seen, url = scene.api, scene.api_url
    if is_api(seen):
        return [_ready(scene, url, await scene.eyes.get(f"{url}/readyz", by_proxy=True))]
    if quiet := scene.unreachable_is_no_news():
        return [quiet]
    if seen.trouble:
        return [fail(f"no API at {url}: {seen.trouble}", f"{scene.start('api')}, or correct LUMEN_API_ADDR")]
    return [fail(f"what answers at {url} is not Lumen's API (HTTP {seen.status})", "correct LUMEN_API_ADDR")]


async def worker(scene: Scene) -> list[Finding]:
    """Look for a worker on this machine, and ask it whether it reaches Temporal."""
    seen, url = scene.worker, local_url(scene.case.settings.worker_addr)
    if is_worker(seen):
        return [_ready(scene, url, await scene.eyes.get(f"{url}/readyz"))]
    if quiet := scene.unreachable_is_no_news("LUMEN_WORKER_ADDR"):
        return [quiet]
    if seen.refused and (elsewhere := await workers_elsewhere(scene)):
        return [skip(f"none on this machine; {', '.join(elsewhere)} polls")]
    if seen.trouble:
        return [fail(f"no worker at {url}: {seen.trouble}", f"{scene.start('worker')}, or correct LUMEN_WORKER_ADDR")]
    return [fail(f"what answers at {url} is not a worker of Lumen (HTTP {seen.status})", "correct LUMEN_WORKER_ADDR")]


def _ready(scene: Scene, url: str, answer: Sighting) -> Finding:
    if answer.status == 200:
        return ok(f"{url} answers and reaches Temporal")
    if answer.status != 503:
        return warn(f"{url}/readyz gave no clear answer: {answer.trouble or f'HTTP {answer.status}'}", "see its log")
    fix = "start Temporal: see the check temporal"
    if scene.temporal.client is not None:
        fix = f"give that process the TEMPORAL_* settings of here ({scene.temporal.address} answers) and restart it"
    return fail(f"{url} answers, but does not reach Temporal: alerts wait outside", fix)


async def public_url(scene: Scene) -> list[Finding]:
    """Look whether ``PUBLIC_BASE_URL``, where people are sent, leads to Lumen."""
    seen, url = scene.public, scene.case.settings.public_base_url
    if seen is None:
        return [skip("PUBLIC_BASE_URL is not set: links lead to this machine only")]
    if is_api(seen):
        return [ok(f"{url} leads to Lumen")]
    if scene.quiet:
        return [skip(scene.quiet)]
    if seen.trouble:
        fix = "correct PUBLIC_BASE_URL, or the name or proxy that it leads to, unless only others can reach it"
        return [warn(f"{url} cannot be reached from here: {seen.trouble}", fix)]
    if 300 <= seen.status < 400:
        to = seen.headers.get("location", "elsewhere").removesuffix("/alerts")
        return [warn(f"{url} redirects to {to}", "set PUBLIC_BASE_URL to where Lumen itself answers")]
    return [
        fail(
            f"{url} leads to something that is not Lumen (HTTP {seen.status})",
            "correct PUBLIC_BASE_URL, or the proxy in front of the API",
        )
    ]


async def versions(scene: Scene) -> list[Finding]:
    """Compare the versions of the processes that answer with each other and with this command's."""
    urls = {"api": scene.api_url, "worker": local_url(scene.case.settings.worker_addr)}
    urls["proofd"] = scene.case.settings.proofd_url
    asked = [name for name in urls if name in scene.running or (name == "api" and scene.remote)]
    pages = await asyncio.gather(*(scene.eyes.get(f"{urls[name]}/metrics", by_proxy=name == "api") for name in asked))
    found = {name: match[1] for name, page in zip(asked, pages, strict=True) if (match := _VERSION.search(page.text))}
    if not found:
        return [scene.unreachable_is_no_news() or skip("nothing here tells its version")]
    every = {"this command": version("lumen-remediation"), **found}
    listed = ", ".join(f"{name} {number}" for name, number in every.items())
    if len(set(every.values())) > 1:
        return [warn(f"versions differ: {listed}", "install one version everywhere and restart what is older")]
    silent = [name for name in asked if name not in found]
    return [ok(listed + (f" ({', '.join(silent)} does not tell)" if silent else ""))]
