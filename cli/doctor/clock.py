"""The clock of this machine against every other clock that can be seen. Deadlines, quorum windows and entries hang on it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.ledger import newest
from cli.doctor.scene import Scene
from cli.doctor.sight import place
from cli.doctor.temporal import server_ahead

_WARN_SECONDS = 5.0
_FAIL_SECONDS = 60.0
_FIX = "find out which clock is wrong (timedatectl status, chronyc tracking) and let it be set by NTP"


async def clock(scene: Scene) -> list[Finding]:
    """Compare the clocks by Date headers, by the newest entry of the ledger, and by Temporal's."""
    agree, findings = [], []
    async for who, ahead in _clocks(scene):
        if abs(ahead) < _WARN_SECONDS:
            agree.append(who)
            continue
        say = fail if abs(ahead) >= _FAIL_SECONDS else warn
        which = "behind" if ahead > 0 else "ahead of"
        findings.append(say(f"this clock is {abs(ahead):.0f} s {which} that of {who}", _FIX))
    if not agree and not findings:
        return [skip("nothing here tells the time")]
    return findings or [ok(f"within {_WARN_SECONDS:.0f} s of {', '.join(agree)}")]


async def _clocks(scene: Scene) -> AsyncIterator[tuple[str, float]]:
    """Yield by whom, and how many seconds that clock is ahead of the one here (negative: behind)."""
    seen = {
        "the API": scene.api,
        "the worker": scene.worker,
        "proofd": scene.proofd,
        "Prometheus": scene.prometheus,
        "Alertmanager": scene.alertmanager,
    }
    for who, sighting in seen.items():
        if sighting is not None and (ahead := sighting.clock_ahead) is not None:
            yield f"{who} ({place(sighting.url)})", ahead
    if (ahead := await _ledger_ahead(scene)) is not None:
        yield "the newest ledger entry", ahead
    if (ahead := await server_ahead(scene)) is not None:
        yield f"Temporal ({scene.temporal.address})", ahead


async def _ledger_ahead(scene: Scene) -> float | None:
    """Return how far in the future the newest entry is; that it is in the past says nothing."""
    entry = await newest(scene)
    try:
        at = datetime.fromisoformat(str(entry.json.get("at"))) if entry else None
    except ValueError:
        return None
    return max(0.0, at.timestamp() - time.time()) if at else None
