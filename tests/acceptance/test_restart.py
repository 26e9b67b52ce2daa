"""Killing a process, at rest and in the middle of a vote, loses nothing and counts nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.steps import (
    PROCESSES,
    appending,
    kinds,
    lines,
    process,
    start,
    until_recorded,
    vote_until_taken,
)
from tests.stack.site import Site

ALICE, BOB = "alice@example.com", "bob@example.com"


def voters(site: Site, key: str) -> list[str]:
    """Return who has approved, once the episode tells."""
    waiting = site.until_state(key, "awaiting_approval")
    return [vote["actor"] for vote in waiting["approval"]["votes"]["approve"]]


def test_everything_killed_at_once(shared_site: Site) -> None:
    """SIGKILL of all processes between two votes: after the restart the first vote still counts, once."""
    site = shared_site
    out = site.folder / "all"
    site.add_rule("RestartAll", actions=[{"name": "run", "cmd": appending(out)}])
    key = site.post_alert("RestartAll", severity="critical")
    site.until_state(key, "awaiting_approval")
    assert site.vote(key, ALICE).status_code == 200
    site.stop()
    site.start()
    assert voters(site, key) == [ALICE]
    assert site.vote(key, ALICE).json()["status"] == "pending"
    assert site.vote(key, BOB).json()["status"] == "approved"
    assert until_recorded(site, key)["outcome"] == "remediated"
    assert len(lines(out)) == 1
    assert site.ledger_holds()


@pytest.mark.parametrize("name", PROCESSES)
def test_one_killed_at_rest_and_during_a_vote(shared_site: Site, name: str) -> None:
    """SIGKILL of one process, first at rest, then while a vote is on its way: the repeated vote counts once."""
    site = shared_site
    out = site.folder / f"one-{name}"
    site.add_rule("RestartOne", actions=[{"name": "run", "cmd": appending(out)}])
    key = site.post_alert("RestartOne", severity="critical", killed=name)
    site.until_state(key, "awaiting_approval")
    process(site, name).kill()
    start(site, name)
    assert voters(site, key) == []

    with ThreadPoolExecutor(1) as client:
        voting = client.submit(vote_until_taken, site, key, ALICE)
        process(site, name).kill()
        start(site, name)
        assert voting.result().status_code == 200
    assert voters(site, key) == [ALICE]

    assert vote_until_taken(site, key, BOB).status_code == 200
    assert until_recorded(site, key)["outcome"] == "remediated"
    assert len(lines(out)) == 1
    decided = [entry for entry in site.entries(key) if entry["kind"] == "approval_quorum_decision"]
    assert len(decided) == 1
    approved = decided[0]["parts"]["approval"]["voters"]["approve"]
    assert sorted(vote["actor"] for vote in approved) == [ALICE, BOB]
    assert kinds(site, key)["action.finished"] == 1
