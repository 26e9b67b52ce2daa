"""Everything is killed once, while remedies stand at every point of their way; each test judges what became of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.many import accepted, firing, until_all_recorded
from tests.acceptance.steps import appending, eventually, kinds, lines, until_recorded, until_started, vote_until_taken
from tests.stack.site import Site, running_site

ALICE, BOB = "alice@example.com", "bob@example.com"
EPISODES, RUNS = 50, 3
FALSE = {"cmd": ["/bin/false"], "within": "1s"}
LOOK = 'echo look >> "$1"; /usr/bin/test -e "$2"'

pytestmark = pytest.mark.timeout(300)


@dataclass
class Killed:
    """A site after the kill; ``keys`` are its episodes by what they were doing."""

    site: Site
    keys: dict[str, str]
    budgeted: list[str]

    def file(self, name: str) -> Path:
        """Return the file that the programs of one kind of episode append to."""
        return self.site.folder / name

    def actions(self, name: str) -> list[str]:
        """Return what started in the episode of this kind, in order: the last part of each key."""
        return [line.rpartition("/1/")[2] for line in lines(self.file(name))]


def undoable(out: Path, undo: list[str] | None = None) -> list[dict[str, Any]]:
    """Return two actions with rollbacks; ``undo`` is that of the second one."""
    return [
        {"name": "a", "cmd": appending(out), "rollback": {"cmd": appending(out), "timeout": 3}},
        {"name": "b", "cmd": appending(out), "rollback": {"cmd": undo or appending(out), "timeout": 15}},
    ]


def prepare(site: Site) -> None:
    """Add the rules: one for each point at which a remedy can be when everything is killed."""
    folder = site.folder
    looking = {"cmd": ["/bin/sh", "-c", LOOK, "sh", str(folder / "looks"), str(folder / "helped")], "every": "1s"}
    failing = {"cmd": ["/bin/sh", "-c", LOOK, "sh", str(folder / "fails"), str(folder / "never")], "every": "1s"}
    rules: dict[str, dict[str, Any]] = {
        "Helped": {"actions": undoable(folder / "Helped"), "verify": {**looking, "within": "2m"}},
        "NotHelped": {"actions": undoable(folder / "NotHelped"), "verify": {**failing, "within": "15s"}},
        "Asked": {"actions": undoable(folder / "Asked"), "verify": FALSE, "rollback_approval": {"approve": 2}},
        "Undoing": {"actions": undoable(folder / "Undoing", appending(folder / "Undoing", 100)), "verify": FALSE},
    }
    for name, rule in rules.items():
        site.rulebook.add(name, mode="auto", **rule)
    action = {"name": "run", "cmd": appending(folder / "Budget", 0.3), "timeout": 3}
    site.add_rule("Budget", mode="auto", cooldown=0, limits={"max_runs": RUNS, "per": "1h"}, actions=[action])


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """Bring every episode to its point, kill Temporal, proofd, worker and API, and start them again."""
    with running_site(tmp_path_factory.mktemp("site")) as site:
        prepare(site)
        keys = {"Asked": site.post_alert("Asked"), "Helped": site.post_alert("Helped")}
        site.until_state(keys["Asked"], "awaiting_approval")
        assert vote_until_taken(site, keys["Asked"], ALICE).json()["status"] == "pending"
        keys["NotHelped"] = site.post_alert("NotHelped")
        eventually(lambda: bool(lines(site.folder / "fails")), "a look at what does not help")
        until_started(site.folder / "looks", 2)
        keys["Undoing"] = site.post_alert("Undoing")
        until_started(site.folder / "Undoing", 3)  # two actions and the first rollback, which stays
        budgeted = accepted(site, firing(["Budget"], EPISODES))
        until_started(site.folder / "Budget")
        site.stop()
        site.start()
        (site.folder / "helped").touch()
        yield Killed(site, keys, budgeted)


def test_a_verification_goes_on_and_holds(killed: Killed) -> None:
    """Killed while it looked: it looks again, what helped is remediated, and nothing of it ran twice."""
    key = killed.keys["Helped"]
    until_recorded(killed.site, key)
    attempt = killed.site.status(key)["attempts"][0]
    assert (attempt["outcome"], attempt["verification"]["verdict"]) == ("remediated", "held")
    assert killed.actions("Helped") == ["a", "b"]
    assert kinds(killed.site, key) == {"action.started": 2, "action.finished": 2, "auto_remediation": 1}


def test_a_verification_goes_on_and_fails(killed: Killed) -> None:
    """Killed while it looked: what did not help is undone in reverse, each rollback once, and the ledger has all of it."""
    key = killed.keys["NotHelped"]
    assert until_recorded(killed.site, key)["outcome"] == "rolled_back"
    assert killed.actions("NotHelped") == ["a", "b", "b/rollback", "a/rollback"]
    assert kinds(killed.site, key) == {"action.started": 4, "action.finished": 4, "auto_remediation": 1}


def test_a_question_about_a_rollback_survives(killed: Killed) -> None:
    """Killed between two votes on a rollback: the first still counts, the second lets it run."""
    key = killed.keys["Asked"]
    waiting = killed.site.until_state(key, "awaiting_approval")
    assert [vote["actor"] for vote in waiting["approval"]["votes"]["approve"]] == [ALICE]
    assert vote_until_taken(killed.site, key, BOB).json()["status"] == "approved"
    assert until_recorded(killed.site, key)["outcome"] == "rolled_back"
    assert killed.actions("Asked") == ["a", "b", "b/rollback", "a/rollback"]
    found = kinds(killed.site, key)
    assert (found["action.started"], found["action.finished"], found["approval_quorum_decision"]) == (4, 4, 1)


def test_a_rollback_that_was_cut_never_starts_again(killed: Killed) -> None:
    """Killed in the middle of a rollback: nobody knows what it did, the other still runs, a human is told of `failed`."""
    key = killed.keys["Undoing"]
    document = until_recorded(killed.site, key, seconds=120)
    reason = document["attempts"][0]["reason"]
    assert document["outcome"] == "failed"
    assert "b/rollback unknown: it was started and its result is not known" in reason
    assert "look at what is left of it" in reason
    assert killed.actions("Undoing") == ["a", "b", "b/rollback", "a/rollback"]
    assert kinds(killed.site, key) == {"action.started": 4, "action.finished": 3, "auto_remediation": 1}
    eventually(lambda: "a human is needed: failed" in killed.site.worker.log, "a human is told")


def test_a_budget_is_not_spent_twice(killed: Killed) -> None:
    """`max_runs: 3` over fifty episodes, killed when the first ran: exactly three runs, 47 suppressed with the reason."""
    found = until_all_recorded(killed.site, killed.budgeted)
    outcomes = Counter(part["outcome"] for part in found.values())
    assert outcomes["suppressed"] == EPISODES - RUNS, outcomes
    # A command that was killed has run: nobody may say that it has not.
    assert outcomes["remediated"] + outcomes["unknown"] == RUNS, outcomes
    started = lines(killed.file("Budget"))
    # One that was killed between its claim and its process is `unknown` without a trace.
    assert len(started) == len(set(started))
    assert outcomes["remediated"] <= len(started) <= RUNS
    reasons = {part["reason"] for part in found.values() if part["outcome"] == "suppressed"}
    assert all("rule Budget has had its 3 run(s) within 1:00:00, until 20" in reason for reason in reasons)
    assert killed.site.ledger_holds()
