"""An older Temporal is put back: what it has forgotten does not act again before a human has looked."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.between import between
from tests.acceptance.steps import appending, eventually, kinds, lines, results, until_recorded
from tests.stack.processes import Child
from tests.stack.site import Site

WHO = ("--actor", "alice@example.com", "--reason", "looked at it")


def put_back(site: Site, copy: Path) -> None:
    """Put the copy of Temporal's database back and start again."""
    site.worker.kill()
    site.temporal.kill()
    site.restore_database(copy)
    site.start_temporal()
    site.start_worker()


def put_back_in_a_moment(site: Site, copy: Path, number: int) -> None:
    """Put the copy of Temporal's database back while the worker lives, as quickly as Temporal ends and starts."""
    site.temporal.kill(number)
    site.restore_database(copy)
    site.start_temporal()


def take_copy(site: Site, to: Path) -> None:
    """Copy Temporal's database while it is stopped."""
    site.worker.kill()
    site.temporal.kill()
    site.copy_database(to)
    site.start_temporal()
    site.start_worker()


def freeze(site: Site) -> dict[str, Any]:
    """Return how the freeze switch stands."""
    document: dict[str, Any] = json.loads(site.lumen("freeze", "status", "--json").stdout)
    return document


def compared(site: Site, times: int) -> Callable[[], bool]:
    """Return whether worker processes have compared so often without finding anything."""
    return lambda: site.worker.log.count("ledger and Temporal agree") >= times


def test_a_forgotten_action_does_not_run_again_by_itself(site: Site, tmp_path: Path) -> None:
    """The alert of an `auto` rule is repeated after the put-back: it is blocked until somebody thaws what was frozen."""
    out = tmp_path / "auto"
    run = {"name": "run", "cmd": appending(out)}
    site.add_rule("Forgotten", mode="auto", actions=[run])
    site.until_outcome(site.post_alert("Forgotten", place="known"))
    take_copy(site, tmp_path / "copy")
    key = site.post_alert("Forgotten", place="lost")
    site.until_outcome(key)
    assert len(lines(out)) == 2
    assert not freeze(site)["frozen"]

    put_back(site, tmp_path / "copy")
    site.post_alert("Forgotten", place="lost")  # as Alertmanager repeats it
    site.until_state(key, "blocked")
    found = freeze(site)
    assert found["actor"] == "lumen worker"
    assert "Temporal is older than the ledger: it does not know 1 episode(s) that acted" in found["reason"]
    assert f"alert-{key}" in found["reason"]
    assert len(lines(out)) == 2
    reconciled = site.lumen("reconcile")
    assert reconciled.returncode == 1
    assert f"attempt without episode: alert-{key}/" in reconciled.stdout + reconciled.stderr

    assert site.lumen("freeze", "off", *WHO).returncode == 0
    assert site.until_outcome(key)["outcome"] == "remediated"  # somebody allowed it
    assert len(lines(out)) == 3
    assert kinds(site, key)["action.started"] == 2

    # What people were told of is not held against them again, and a second loss is.
    site.worker.kill()
    site.start_worker()
    eventually(compared(site, 3), "the third worker has compared")
    assert not freeze(site)["frozen"]
    put_back(site, tmp_path / "copy")
    eventually(lambda: freeze(site)["frozen"], "the freeze of the second put-back")
    assert "does not know 2 episode(s)" in freeze(site)["reason"]
    assert site.ledger_holds()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_put_back_is_seen_by_a_worker_that_lives_through_it(site: Site, tmp_path: Path, number: int) -> None:
    """Temporal is away for no longer than its restart takes, and its worker lives: it compares before it acts again."""
    out = tmp_path / "alive"
    site.add_rule("Alive", mode="auto", actions=[{"name": "run", "cmd": appending(out)}])
    take_copy(site, tmp_path / "copy")
    key = site.post_alert("Alive")
    site.until_outcome(key)
    put_back_in_a_moment(site, tmp_path / "copy", number)
    site.post_alert("Alive")  # as Alertmanager repeats it
    site.until_state(key, "blocked")
    assert "does not know 1 episode(s) that acted" in freeze(site)["reason"]
    assert len(lines(out)) == 1


def test_what_was_claimed_while_temporal_went_is_claimed_anew(site: Site, tmp_path: Path) -> None:
    """Temporal goes and comes between claim and start: nothing starts by that claim, since no comparison knew of it."""

    def restart(_: Child) -> None:
        site.temporal.kill()
        site.start_temporal()

    out = tmp_path / "claimed"
    with between(site, tmp_path, restart) as passing:
        site.add_rule("Claimed", mode="auto", actions=[{"name": "run", "cmd": appending(out)}])
        passing.deadly = "action.started"
        key = site.post_alert("Claimed")
        assert passing.struck.wait(30)
        assert until_recorded(site, key)["outcome"] == "remediated"
        assert len(lines(out)) == 1
        assert results(site, key) == [(1, "cancelled"), (2, "succeeded")]
        assert site.ledger_holds()


def test_nothing_is_frozen_by_what_temporal_still_knows(site: Site, tmp_path: Path) -> None:
    """Put back to before an action of a run that Temporal knows: the claim holds, and nobody is stopped."""
    out = tmp_path / "known"
    site.add_rule("Known", actions=[{"name": "run", "cmd": appending(out)}])
    key = site.post_alert("Known")
    site.until_state(key, "awaiting_approval")
    take_copy(site, tmp_path / "copy")
    site.until_state(key, "awaiting_approval")
    site.vote(key, "alice@example.com")
    site.until_outcome(key)
    put_back(site, tmp_path / "copy")
    site.until_state(key, "awaiting_approval")
    site.vote(key, "alice@example.com")
    assert site.until_outcome(key)["outcome"] == "remediated"
    assert len(lines(out)) == 1
    assert not freeze(site)["frozen"]


def test_without_a_comparison_nothing_starts(site: Site, tmp_path: Path) -> None:
    """The ledger is away when a worker starts: its actions wait for the ledger, and go on with it."""
    out = tmp_path / "waits"
    site.add_rule("Waits", mode="auto", actions=[{"name": "run", "cmd": appending(out)}])
    site.worker.kill()
    site.proofd.kill()
    site.start_worker()
    key = site.post_alert("Waits")
    site.until_state(key, "waiting_ledger")
    assert lines(out) == []
    site.start_proofd()
    assert site.until_outcome(key)["outcome"] == "remediated"
    assert len(lines(out)) == 1
