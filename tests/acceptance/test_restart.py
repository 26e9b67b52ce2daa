"""Killing a process, at rest and in the middle of a vote, loses nothing and counts nothing twice."""

from __future__ import annotations

from tests.stack.site import Site
from tests.workflows.test_loop import marking


def test_everything_killed_at_once(site: Site) -> None:
    """SIGKILL of all processes between two votes: after the restart the first vote still counts, once."""
    site.add_rule("RestartAll", actions=[{"name": "mark", "cmd": marking(site.out)}])
    key = site.post_alert("RestartAll", severity="critical")
    site.until_state(key, "awaiting_approval")
    assert site.vote(key, "alice@example.com").status_code == 200
    site.stop()
    site.start()
    waiting = site.until_state(key, "awaiting_approval")
    assert [vote["actor"] for vote in waiting["approval"]["votes"]["approve"]] == ["alice@example.com"]
    assert site.vote(key, "alice@example.com").json()["status"] == "pending"
    assert site.vote(key, "bob@example.com").json()["status"] == "approved"
    assert site.until_outcome(key)["outcome"] == "remediated"
    assert len(site.marks()) == 1
    assert site.ledger_holds()
