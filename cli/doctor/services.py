"""What Lumen talks to beside Temporal and the ledger: Prometheus, Alertmanager, a webhook, a control bus."""

from __future__ import annotations

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene
from cli.doctor.sight import Sighting, connect_url, place
from rules.kinds import control_bus as control_bus_kind


async def prometheus(scene: Scene) -> list[Finding]:
    """Look whether conditions can be evaluated."""
    seen = scene.prometheus
    conditions = [rule.name for rule in scene.rules.rules if rule.when] if scene.rules else []
    if seen is None:
        if conditions:
            found = f"PROMETHEUS_URL is not set, and {_listed(conditions)} has a condition: its alerts stay blocked"
            return [warn(found, "set PROMETHEUS_URL, or remove `when` from the rule")]
        return [skip("PROMETHEUS_URL is not set, and no rule has a condition")]
    where = f"Prometheus at {place(seen.url)}"
    if seen.trouble:
        consequence = f"; {_listed(conditions)} stays blocked" if conditions else ""
        return [fail(f"no {where}: {seen.trouble}{consequence}", "start it, or correct PROMETHEUS_URL")]
    if seen.status == 200 and seen.json.get("status") == "success" and _answers_queries(seen):
        return [ok(f"{where} answers queries")]
    if seen.status in {401, 403}:
        return [
            fail(
                f"{where} wants credentials (HTTP {seen.status})",
                "put them into PROMETHEUS_URL: http://user:password@…",
            )
        ]
    if seen.status == 503:
        return [fail(f"{where} is not ready (HTTP 503)", "wait until it has started, or see its log")]
    return [fail(f"what answers at {place(seen.url)} is not Prometheus (HTTP {seen.status})", "correct PROMETHEUS_URL")]


async def alertmanager(scene: Scene) -> list[Finding]:
    """Look whether ``LumenNeedsHuman`` can be sent."""
    seen = scene.alertmanager
    if seen is None:
        return [skip("ALERTMANAGER_URL is not set")]
    where = f"Alertmanager at {place(seen.url)}"
    if seen.trouble:
        return [fail(f"no {where}: {seen.trouble}; nobody would hear of it", "start it, or correct ALERTMANAGER_URL")]
    if "versionInfo" in seen.json:
        return [ok(f"{where} answers")]
    return [
        fail(f"what answers at {place(seen.url)} is not Alertmanager (HTTP {seen.status})", "correct ALERTMANAGER_URL")
    ]


async def notify_webhook(scene: Scene) -> list[Finding]:
    """Try a connection to where people are told. Nothing is sent: a request might tell somebody."""
    return [await _connection(scene, scene.case.settings.notify_webhook_url, "NOTIFY_WEBHOOK_URL")]


async def anchor(scene: Scene) -> list[Finding]:
    """Try a connection to where signed checkpoints are published. Nothing is sent."""
    return [await _connection(scene, scene.case.settings.proof_anchor_url, "PROOF_ANCHOR_URL")]


async def control_bus(scene: Scene) -> list[Finding]:
    """Try a connection to the control bus. Nothing is sent: a request might do something."""
    settings = scene.case.settings
    if not settings.control_bus_url:
        users = [
            rule.name
            for rule in (scene.rules.rules if scene.rules else ())
            if any(action.kind == control_bus_kind.KIND.name for action in rule.actions)
        ]
        if users:
            found = f"CONTROL_BUS_TARGET is not set, and {_listed(users)} has a control_bus action: it will fail"
            return [warn(found, "set CONTROL_BUS_TARGET")]
    elif place(settings.control_bus_url) == settings.api_addr:
        return [fail("CONTROL_BUS_TARGET is Lumen's own API", "set CONTROL_BUS_TARGET to another service")]
    return [await _connection(scene, settings.control_bus_url, "CONTROL_BUS_TARGET")]


async def _connection(scene: Scene, url: str, variable: str) -> Finding:
    if not url:
        return skip(f"{variable} is not set")
    trouble = await connect_url(url, scene.eyes.seconds)
    if trouble:
        return fail(f"{place(url)} cannot be reached: {trouble}", f"start what is there, or correct {variable}")
    return ok(f"{place(url)} accepts connections (nothing was sent)")


def _answers_queries(seen: Sighting) -> bool:
    data = seen.json.get("data")
    return isinstance(data, dict) and data.get("resultType") in {"scalar", "vector"}


def _listed(rules: list[str]) -> str:
    more = f" and {len(rules) - 1} more" if len(rules) > 1 else ""
    return f"the rule {rules[0]}{more}"
