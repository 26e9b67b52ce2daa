"""While Temporal or the ledger is away nothing is accepted, started or lost; when it is back, everything goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.steps import (
    appending,
    kinds,
    lines,
    process,
    start,
    until_recorded,
    until_started,
    vote_until_taken,
)
from tests.stack.site import Site

ALICE = "alice@example.com"
OUTAGE = 25.0


@pytest.fixture
def proofd_ends(shared_site: Site) -> Iterator[None]:
    """Let the ledger run again after a test that fails while it is down."""
    yield
    shared_site.proofd.kill()
    shared_site.start_proofd()


@pytest.mark.parametrize("away", [("temporal",), ("temporal", "proofd")], ids="+".join)
def test_temporal_away_while_a_command_ends(shared_site: Site, away: tuple[str, ...]) -> None:
    """25 s without Temporal, or without the ledger too, while a command ends well: its result is used, not `unknown`."""
    site = shared_site
    out = site.folder / "-".join(("ends", *away))
    site.add_rule("EndsAlone", mode="auto", actions=[{"name": "run", "cmd": appending(out, 2), "timeout": 5}])
    key = site.post_alert("EndsAlone", away=",".join(away))
    until_started(out)
    for name in away:
        process(site, name).kill()
    time.sleep(OUTAGE)
    for name in away:
        start(site, name)
    assert until_recorded(site, key)["outcome"] == "remediated"
    assert len(lines(out)) == 1
    assert kinds(site, key) == {"action.started": 1, "action.finished": 1, "auto_remediation": 1}


@pytest.mark.usefixtures("proofd_ends")
def test_nothing_starts_while_the_ledger_is_down(shared_site: Site) -> None:
    """proofd down: approved and automatic actions wait in `waiting_ledger`, visibly; when it is back they run, once."""
    site = shared_site
    auto, voted = site.folder / "auto", site.folder / "voted"
    site.rulebook.add("DownAuto", mode="auto", actions=[{"name": "run", "cmd": appending(auto), "timeout": 5}])
    site.add_rule("DownVoted", actions=[{"name": "run", "cmd": appending(voted), "timeout": 5}])
    asked = site.post_alert("DownVoted")
    site.until_state(asked, "awaiting_approval")
    site.proofd.kill()
    assert vote_until_taken(site, asked, ALICE).json()["status"] == "approved"
    acting, cancelled = site.post_alert("DownAuto"), site.post_alert("DownAuto", cancelled="yes")
    for key in (asked, acting, cancelled):
        site.until_state(key, "waiting_ledger")
    site.temporal_cli("workflow", "cancel", "-w", f"alert-{cancelled}")
    assert lines(auto) == lines(voted) == []
    site.start_proofd()
    for key in (asked, acting):
        assert until_recorded(site, key)["outcome"] == "remediated"
        assert kinds(site, key)["action.started"] == 1
    assert until_recorded(site, cancelled)["outcome"] == "cancelled"
    assert kinds(site, cancelled)["action.started"] == 0
    assert len(lines(auto)) == len(lines(voted)) == 1
    assert kinds(site, asked)["approval_quorum_decision"] == 1
    assert site.ledger_holds()


@pytest.mark.usefixtures("proofd_ends")
def test_result_recorded_when_the_ledger_is_back(shared_site: Site) -> None:
    """proofd killed between claim and result: the result waits for it and is recorded then; nothing runs twice."""
    site = shared_site
    out = site.folder / "between"
    site.add_rule("Between", mode="auto", actions=[{"name": "run", "cmd": appending(out, 1), "timeout": 5}])
    key = site.post_alert("Between")
    until_started(out)
    site.proofd.kill()
    site.until_state(key, "waiting_ledger")
    site.start_proofd()
    assert until_recorded(site, key)["outcome"] == "remediated"
    assert len(lines(out)) == 1
    assert kinds(site, key) == {"action.started": 1, "action.finished": 1, "auto_remediation": 1}


def test_webhook_while_temporal_is_down(shared_site: Site) -> None:
    """Temporal down: the webhook answers 503 and keeps nothing; when it is back, the same post is accepted."""
    site = shared_site
    out = site.folder / "webhook"
    site.add_rule("Down", mode="auto", actions=[{"name": "run", "cmd": appending(out), "timeout": 5}])
    alerts = [{"labels": {"alertname": "Down"}, "status": "firing", "startsAt": "2026-01-01T00:00:00Z"}]
    site.temporal.kill()
    assert site.webhook(alerts).status_code == httpx.codes.SERVICE_UNAVAILABLE
    site.start_temporal()
    assert "Down" not in site.temporal_cli("workflow", "list", "--query", "LumenAlert = 'Down'").stdout
    answer = site.webhook(alerts)
    assert answer.status_code == httpx.codes.ACCEPTED
    (entry,) = answer.json()["alerts"]
    assert entry["result"] == "started"
    assert until_recorded(site, entry["key"])["outcome"] == "remediated"
    assert len(lines(out)) == 1
