"""What the ledger was told stands, even if the worker dies before Temporal hears that it was told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.between import between
from tests.acceptance.steps import appending, lines, until_recorded
from tests.stack.processes import Child
from tests.stack.site import Site

ALICE, BOB = "alice@example.com", "bob@example.com"
DECISION, END = "approval_quorum_decision", "auto_remediation"


@pytest.mark.parametrize("deadly", [DECISION, END])
def test_a_rejection_that_was_recorded_is_final(site: Site, tmp_path: Path, deadly: str) -> None:
    """Votes that come while no worker lives turn no recorded rejection into a run: one decision, one end, nothing ran."""
    with between(site, tmp_path, Child.kill) as passing:
        out = site.folder / "ran"
        approval = {"approve": 2, "reject": 1, "allow": [ALICE, BOB]}
        site.add_rule("ToldFirst", approval=approval, actions=[{"name": "run", "cmd": appending(out)}])
        key = site.post_alert("ToldFirst")
        site.until_state(key, "awaiting_approval")
        assert site.vote(key, ALICE).status_code == 200
        passing.deadly = deadly
        site.vote(key, BOB, "reject")
        assert passing.struck.wait(30)
        for actor in (BOB, ALICE):
            site.vote(key, actor)
        site.start_worker()
        assert until_recorded(site, key)["outcome"] == "rejected"
        recorded = [
            (entry["kind"], part.get("decision") if entry["kind"] == DECISION else part["outcome"])
            for entry in site.entries(key)
            for part in entry["parts"].values()
        ]
        assert recorded == [(DECISION, "reject"), (END, "rejected")]
        assert lines(out) == []
        assert site.ledger_holds()
