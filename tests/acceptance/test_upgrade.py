"""Open episodes survive an upgrade whose workflow code changed as docs/upgrades.md says; and what if it did not."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.builds import PATCHES, Build, careless_build, old_build, patched_build
from tests.acceptance.steps import (
    appending,
    eventually,
    kinds,
    lines,
    remediation,
    until_recorded,
    until_started,
)
from tests.stack.calling import calls
from tests.stack.processes import free_port
from tests.stack.site import Site

ALICE, BOB = "alice@example.com", "bob@example.com"
HOST = "{labels.instance}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose worker and API run from a copy of the source tree."""
    one = Site(tmp_path)
    old_build(tmp_path / "old").install(one)
    try:
        one.start()
        yield one
    finally:
        one.stop()


def upgrade(site: Site, to: Build, number: int = signal.SIGTERM) -> None:
    """End API and worker with a signal, and start those of another build."""
    for child in (site.api, site.worker):
        child.kill(number)
    to.install(site)
    site.start_worker()
    site.start_api()


def voted(site: Site, key: str, actor: str) -> None:
    """Vote once: counted at once (200), or recorded for the worker that comes (202)."""
    answer = site.vote(key, actor)
    assert answer.status_code in {httpx.codes.OK, httpx.codes.ACCEPTED}, answer.text


def patches(site: Site, key: str) -> set[str]:
    """Return the ids of the patches that the history of an episode holds."""
    shown = site.temporal_cli("workflow", "show", "--workflow-id", f"alert-{key}", "--output", "json").stdout
    found = [event.get("markerRecordedEventAttributes", {}) for event in json.loads(shown)["events"]]
    patched = [
        marker["details"]["patch-data"]["payloads"] for marker in found if marker.get("markerName") == "core_patch"
    ]
    return {json.loads(base64.b64decode(payload["data"]))["id"] for payloads in patched for payload in payloads}


def judge(site: Site, key: str, out: Path, outcome: str = "remediated") -> None:
    """One attempt with this outcome, in the ledger once, and one start of one command."""
    document = until_recorded(site, key)
    assert (document["outcome"], len(document["attempts"])) == (outcome, 1)
    assert len(lines(out)) == 1
    assert kinds(site, key)["action.started"] == 1


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, marks=pytest.mark.long, id="stopped"), pytest.param(signal.SIGKILL, id="killed")],
)
def test_open_episodes_go_on_in_a_build_with_patches(site: Site, tmp_path: Path, number: int) -> None:
    """Half voted, cooling, blocked on a target, executing: each goes on, acts once, and ends in one outcome."""
    outs = {name: tmp_path / name for name in ("asking", "cooling", "acting", "blocked")}
    seconds = {"acting": 3.0}
    actions = {
        name: [{"name": "run", "cmd": appending(out, seconds.get(name, 0)), "timeout": 5}] for name, out in outs.items()
    }
    site.rulebook.add("Asking", actions=actions["asking"])
    site.rulebook.add("Cooling", mode="auto", cooldown=1, actions=actions["cooling"])
    site.rulebook.add("Acting", mode="auto", target=HOST, actions=actions["acting"])
    site.add_rule("Blocked", mode="auto", target=HOST, actions=actions["blocked"])
    asking = site.post_alert("Asking", severity="critical")
    cooling = site.post_alert("Cooling")
    site.until_outcome(cooling)
    site.until_state(asking, "awaiting_approval")
    assert site.vote(asking, ALICE).status_code == httpx.codes.OK
    acting = site.post_alert("Acting", instance="host1")
    until_started(outs["acting"])
    blocked = site.post_alert("Blocked", instance="host1")
    site.until_state(blocked, "blocked")

    upgrade(site, patched_build(tmp_path / "new"), number)

    voted(site, asking, BOB)
    judge(site, asking, outs["asking"])
    approved = site.status(asking)["attempts"][0]["votes"]["approve"]
    assert sorted(vote["actor"] for vote in approved) == [ALICE, BOB]
    # What a killed worker left behind has no result; what was told to stop was let run to its end.
    judge(site, acting, outs["acting"], "remediated" if number == signal.SIGTERM else "unknown")
    judge(site, blocked, outs["blocked"])
    site.post_alert("Cooling")
    site.until(cooling, lambda status: len(status["attempts"]) == 2)
    assert len(lines(outs["cooling"])) == 2
    fresh = site.post_alert("Asking", severity="warning", instance="after")
    site.until_state(fresh, "awaiting_approval")
    # A step that was passed before the upgrade is never taken in the new way; one that was not is.
    assert patches(site, asking) & set(PATCHES) == {PATCHES[1]}
    assert patches(site, fresh) & set(PATCHES) == {PATCHES[0]}
    assert site.ledger_holds()


@pytest.mark.long
def test_two_builds_at_once(site: Site, tmp_path: Path) -> None:
    """Workers of both builds serve the same queues for a while: episodes cross from one to the other, each acts once."""
    out = {str(number): tmp_path / f"mixed-{number}" for number in range(8)}
    run = {"name": "run", "cmd": appending(tmp_path / "mixed-{labels.number}")}
    site.add_rule("Mixed", actions=[run])
    keys = {number: site.post_alert("Mixed", severity="critical", number=number) for number in list(out)[:4]}
    for key in keys.values():
        site.until_state(key, "awaiting_approval")
    new = patched_build(tmp_path / "new")
    second = new.child(site, "worker", "second", {"LUMEN_WORKER_ADDR": f"127.0.0.1:{free_port()}"})
    second.start()
    try:
        eventually(lambda: "worker started" in second.log, "the second worker has started")
        keys |= {number: site.post_alert("Mixed", severity="critical", number=number) for number in list(out)[4:]}
        for key in keys.values():
            site.until_state(key, "awaiting_approval")
            voted(site, key, ALICE)
        upgrade(site, new)
        for key in keys.values():
            voted(site, key, BOB)
        for number, key in keys.items():
            judge(site, key, out[number])
    finally:
        second.kill(signal.SIGTERM)
    assert site.ledger_holds()


def test_a_change_without_a_patch_is_seen_and_taken_back(site: Site, tmp_path: Path) -> None:
    """The episode stands still and says so, worker and doctor name it; the old build carries it on, with its votes."""
    out = tmp_path / "careless"
    site.add_rule("Careless", actions=[{"name": "run", "cmd": appending(out)}])
    key = site.post_alert("Careless", severity="critical")
    site.until_state(key, "awaiting_approval")
    assert site.vote(key, ALICE).status_code == httpx.codes.OK

    upgrade(site, careless_build(tmp_path / "careless-build"))

    recorded = site.vote(key, BOB)
    assert (recorded.status_code, recorded.json()["status"]) == (httpx.codes.ACCEPTED, "pending")
    eventually(lambda: _stuck(site) == 1, "the worker counts one workflow that it cannot carry on")
    assert site.status(key)["stale"]
    assert f"cannot carry alert-{key} on" in site.worker.log
    doctor = site.lumen("doctor")
    assert doctor.returncode == 1
    assert "1 open workflow cannot be carried on by the build that runs" in doctor.stdout
    assert lines(out) == []

    upgrade(site, Build(tmp_path / "old"))

    judge(site, key, out)
    assert _stuck(site) == 0
    assert remediation(site, key)["decision"]["voters"] == [ALICE, BOB]
    assert site.ledger_holds()


@pytest.mark.long
def test_going_back_behind_a_patch(site: Site, tmp_path: Path) -> None:
    """The old build says that it cannot carry on what passed the patch, and carries the rest on; the new build goes on."""
    out = {name: tmp_path / name for name in ("before", "behind")}
    site.add_rule("Back", actions=[{"name": "run", "cmd": appending(tmp_path / "{labels.place}")}])
    before = site.post_alert("Back", place="before")
    site.until_state(before, "awaiting_approval")
    new = patched_build(tmp_path / "new")
    upgrade(site, new)
    behind = site.post_alert("Back", place="behind")
    site.until_state(behind, "awaiting_approval")

    upgrade(site, Build(tmp_path / "old"))

    voted(site, before, ALICE)
    judge(site, before, out["before"])
    voted(site, behind, ALICE)
    eventually(lambda: _stuck(site) == 1, "the old build counts the workflow that passed the patch")
    assert lines(out["behind"]) == []

    upgrade(site, new)

    judge(site, behind, out["behind"])


def _stuck(site: Site) -> int:
    page = calls().get(f"http://{site.env['LUMEN_WORKER_ADDR']}/metrics", timeout=10).text
    [line] = [line for line in page.splitlines() if line.startswith("lumen_workflows_stuck ")]
    return int(float(line.split()[1]))
