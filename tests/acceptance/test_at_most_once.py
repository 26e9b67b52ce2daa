"""A command that is not idempotent starts at most once an attempt, whatever is killed, restored or reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.steps import (
    appending,
    eventually,
    kinds,
    lines,
    succeeding_at,
    until_recorded,
    until_started,
    vote_until_taken,
)
from tests.acceptance.trials import DEFAULT_TRIALS, Trials, fresh_seed
from tests.stack.site import Site

ALICE = "alice@example.com"
FORKING = """
echo "$LUMEN_IDEMPOTENCY_KEY" >> "$1"
/usr/bin/setsid /bin/sh -c 'echo $$ >> "$1"; exec /bin/sleep 100' sh "$2" &
/bin/sleep 100 &
echo $! >> "$2"
echo $$ >> "$2"
wait
"""


def test_worker_killed_while_commands_run(shared_site: Site) -> None:
    """SIGKILL of the worker: its commands die with all their children; one ends `unknown`, the idempotent one completes."""
    site = shared_site
    once, twice, pids = site.folder / "once", site.folder / "twice", site.folder / "pids"
    forking = ["/bin/sh", "-c", FORKING, "sh", str(once), str(pids)]
    site.rulebook.add("KillOnce", mode="auto", cooldown=1, actions=[{"name": "cut", "cmd": forking, "timeout": 4}])
    again = {"name": "again", "cmd": succeeding_at(twice, 2, seconds=100), "timeout": 4, "idempotent": True}
    site.add_rule("KillTwice", mode="auto", actions=[again])
    cut, repeated = site.post_alert("KillOnce"), site.post_alert("KillTwice")
    until_started(once)
    until_started(twice)
    eventually(lambda: len(lines(pids)) == 3, "the command has forked")
    site.worker.kill()
    eventually(lambda: not any(Path("/proc", pid).exists() for pid in lines(pids)), "the command's processes are gone")
    site.start_worker()

    assert until_recorded(site, cut)["outcome"] == "unknown"
    assert kinds(site, cut) == {"action.started": 1, "auto_remediation": 1}
    site.post_alert("KillOnce")
    site.until_state(cut, "awaiting_approval")  # the mode is `auto`, but after `unknown` only a human may say "again"
    assert len(lines(once)) == 1

    assert until_recorded(site, repeated)["outcome"] == "remediated"
    assert len(lines(twice)) == 2
    assert len(set(lines(twice))) == 1
    assert kinds(site, repeated) == {"action.started": 2, "action.finished": 1, "auto_remediation": 1}
    assert site.ledger_holds()


def test_database_put_back_to_before_the_start(shared_site: Site, tmp_path: Path) -> None:
    """Temporal forgets that commands ran: nothing starts again, and every episode ends with the result in the ledger."""
    site = shared_site
    auto, voted, bad = site.folder / "auto", site.folder / "voted", site.folder / "bad"
    site.rulebook.add("BackAuto", mode="auto", actions=[{"name": "run", "cmd": appending(auto)}])
    site.rulebook.add("BackBad", mode="auto", actions=[{"name": "run", "cmd": appending(bad, exit_code=3)}])
    site.add_rule("BackVoted", actions=[{"name": "run", "cmd": appending(voted)}])
    asked = site.post_alert("BackVoted")
    site.until_state(asked, "awaiting_approval")
    site.worker.kill()
    keys = [site.post_alert("BackAuto"), site.post_alert("BackBad"), asked]
    site.temporal.kill()
    site.copy_database(tmp_path / "copy")
    site.start_temporal()
    site.start_worker()
    vote_until_taken(site, asked, ALICE)
    outcomes = [site.until_outcome(key)["outcome"] for key in keys]
    assert outcomes == ["remediated", "failed", "remediated"]

    site.worker.kill()  # what it keeps in memory would be ahead of the older database
    site.temporal.kill()
    site.restore_database(tmp_path / "copy")
    site.start_temporal()
    site.start_worker()
    site.until_state(asked, "awaiting_approval")
    vote_until_taken(site, asked, ALICE)
    assert [until_recorded(site, key)["outcome"] for key in keys] == outcomes
    assert [len(lines(path)) for path in (auto, bad, voted)] == [1, 1, 1]
    assert all(kinds(site, key)["action.finished"] == 1 for key in keys)
    assert site.ledger_holds()


@pytest.mark.parametrize("to", ["FirstWorkflowTask", "LastWorkflowTask"])
def test_reset_after_the_action(shared_site: Site, to: str) -> None:
    """`temporal workflow reset` runs no command again; the episode takes the result, after retries too, from the ledger."""
    site = shared_site
    plain, voted, flaky = (site.folder / f"{name}-{to}" for name in ("plain", "voted", "flaky"))
    retried = {"idempotent": True, "retry": {"attempts": 3, "backoff": "1s"}}
    site.rulebook.add("ResetPlain", mode="auto", actions=[{"name": "run", "cmd": appending(plain)}])
    site.rulebook.add("ResetVoted", actions=[{"name": "run", "cmd": appending(voted)}])
    site.add_rule("ResetFlaky", mode="auto", actions=[{"name": "run", "cmd": succeeding_at(flaky, 3), **retried}])
    keys = [site.post_alert(name, to=to) for name in ("ResetPlain", "ResetFlaky", "ResetVoted")]
    site.until_state(keys[2], "awaiting_approval")
    vote_until_taken(site, keys[2], ALICE)
    before = {key: site.until_outcome(key) for key in keys}
    entries = {key: kinds(site, key) for key in keys}
    assert {document["outcome"] for document in before.values()} == {"remediated"}

    for key in keys:
        site.temporal_cli("workflow", "reset", "-w", f"alert-{key}", "-t", to, "--reason", "a test of resets")
    if to == "FirstWorkflowTask":
        site.until_state(keys[2], "awaiting_approval")  # the old vote was cast on nothing that is open: ask anew
        vote_until_taken(site, keys[2], ALICE)
    for key in keys:
        site.until(key, lambda now, key=key: now["run_id"] != before[key]["run_id"] and bool(now["attempts"]))  # type: ignore[misc]
        assert until_recorded(site, key)["outcome"] == "remediated"
        assert kinds(site, key)["action.started"] == entries[key]["action.started"]
    assert [len(lines(path)) for path in (plain, flaky, voted)] == [1, 3, 1]


def test_random_kills(shared_site: Site, request: pytest.FixtureRequest) -> None:
    """Worker, Temporal or both killed around the start of commands: no key starts twice, each attempt ends once."""
    count = request.config.getoption("--trials", DEFAULT_TRIALS)
    seed = request.config.getoption("--seed", None)
    trials = Trials(shared_site, fresh_seed() if seed is None else seed)
    trials.prepare()
    for number in range(count):
        trials.run_one(number)
    trials.judge()
