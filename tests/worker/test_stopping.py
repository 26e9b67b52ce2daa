"""A worker that is told to stop ends what it has begun, and then itself."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.stack.site import running_site


def test_episodes_that_wait_for_guards_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """Told to stop while episodes take their guards, the only worker serves the guards for as long as it needs them."""
    with running_site(tmp_path) as site:
        action = {"name": "run", "cmd": ["/bin/true"], "timeout": 5}
        limits = {"max_runs": 1000, "per": "1h"}
        site.add_rule("Guarded", mode="auto", target="{labels.host}", limits=limits, actions=[action])
        alerts = [
            {"labels": {"alertname": "Guarded", "host": f"host{number}"}, "status": "firing"} for number in range(40)
        ]
        for first in (0, 20):
            assert site.webhook(alerts[first : first + 20]).is_success
        site.worker.kill(signal.SIGTERM)
        assert site.worker.wait() == 0, "it ended by itself"
        assert "'activity_type': 'prepare'" not in site.worker.log, "no preparation failed"
