"""A worker that stood still between the claim of an action and its start: what it meant to start is not started then."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.acceptance.between import between
from tests.acceptance.steps import appending, eventually, lines, remediation, results, until_recorded
from tests.stack.processes import Child, LumenChild, free_port, lumen_command
from tests.stack.site import Site

STARTED = "action.started"
LONGER_THAN_A_START_MAY_TAKE = 22.0


def test_it_claims_anew_and_starts_once(site: Site, tmp_path: Path) -> None:
    """Stopped for 22 s right after its claim, it tells the ledger that nothing began; a second claim leads to the one start."""
    out = site.folder / "ran"
    with between(site, tmp_path, Child.pause) as passing:
        site.add_rule("StoodStill", mode="auto", actions=[{"name": "run", "cmd": appending(out), "timeout": 5}])
        passing.deadly = STARTED
        key = site.post_alert("StoodStill")
        assert passing.struck.wait(30)
        # The clock of the worker is what this is about: it has to see that much time pass.
        time.sleep(LONGER_THAN_A_START_MAY_TAKE)
        site.worker.resume()
        assert until_recorded(site, key)["outcome"] == "remediated"
        assert len(lines(out)) == 1
        assert results(site, key) == [(1, "cancelled"), (2, "succeeded")]
        assert site.ledger_holds()


@pytest.mark.long
@pytest.mark.timeout(200)
def test_after_the_end_of_its_attempt_it_starts_nothing(site: Site, tmp_path: Path) -> None:
    """Another worker gives the start up: its end is not known, the lock is free. The first one wakes up and starts nothing."""
    out = site.folder / "ran"
    env = {**site.env, "LUMEN_WORKER_ADDR": f"127.0.0.1:{free_port()}"}
    other = LumenChild("other", lumen_command("worker"), env, tmp_path)
    with between(site, tmp_path, Child.pause) as passing:
        site.add_rule("GivenUp", mode="auto", actions=[{"name": "run", "cmd": appending(out), "timeout": 1}])
        passing.deadly = STARTED
        key = site.post_alert("GivenUp")
        assert passing.struck.wait(30)
        other.start()
        try:
            assert until_recorded(site, key, seconds=120)["outcome"] == "unknown"
            site.worker.resume()
            eventually(lambda: results(site, key) == [(1, "cancelled")], "the ledger hears that nothing began")
            assert lines(out) == []
            assert remediation(site, key)["outcome"] == "unknown"
        finally:
            other.kill()
