"""What each kind of command of the manual must have done, tried in episodes that are prepared for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.acceptance.desk import ACTOR, OTHER, Desk, until


def lists_episodes(desk: Desk, script: str) -> None:
    """The list has an episode that waits for a vote."""
    key = desk.asking()

    def listed() -> bool:
        desk.run(script)
        return f"alert-{key}" in desk.output

    until(listed, "the episode in the list")


def lists_guards(desk: Desk, script: str) -> None:
    """The list has the guard of a target that cools."""
    desk.cooling_target()

    def listed() -> bool:
        desk.run(script)
        return "target-host1" in desk.output

    until(listed, "the guard in the list")


def looks(desk: Desk, script: str) -> None:
    """What is printed is about this episode: its rule, or its events."""
    key = desk.asking()
    desk.run(script, key)
    assert ("WorkflowExecutionSignaled" if "workflow show" in script else "ManualAsks") in desk.output


def looks_at_guard(desk: Desk, script: str) -> None:
    """What is printed says which rule cools."""
    desk.cooling_target()
    desk.run(script)
    assert "ManualCools" in desk.output
    assert '"cooling"' in desk.output


def votes(desk: Desk, script: str) -> None:
    """The vote counts, under the name that was typed, with the lowest rank."""
    key = desk.asking()
    side = "reject" if '"reject"' in script else "approve"
    desk.run(script, key)
    if side == "reject":
        assert desk.site.until_outcome(key)["outcome"] == "rejected"
        return
    status = desk.site.until(key, lambda found: bool(found["approval"]["votes"][side]))
    [vote] = status["approval"]["votes"][side]
    assert (vote["actor"], vote["channel"], vote["rank"]) == (ACTOR, "signal", "signal")
    assert desk.site.vote(key, OTHER).is_success
    assert desk.site.until_outcome(key)["outcome"] == "remediated"


def votes_by_update(desk: Desk, script: str) -> None:
    """The vote counts and the tally is printed; a vote that does not count fails with the reason."""
    votes(desk, script)
    assert "pending" in desk.output
    desk.run(script, desk.asking(), actor="mallory@example.com", fails=True)
    assert "mallory@example.com may not decide about this rule" in desk.output


def overrides_to_approve(desk: Desk, script: str) -> None:
    """The command runs without a quorum, and the override is in the ledger."""
    key = desk.asking()
    desk.run(script, key)
    assert desk.site.until_outcome(key)["outcome"] == "remediated"
    assert desk.overrides(alert_key=key, decision="approve", actor=ACTOR)


def overrides_to_reject(desk: Desk, script: str) -> None:
    """The attempt ends rejected, and the override is in the ledger."""
    key = desk.asking()
    desk.run(script, key)
    assert desk.site.until_outcome(key)["outcome"] == "rejected"
    assert desk.overrides(alert_key=key, decision="reject", actor=ACTOR)


def overrides_to_cancel(desk: Desk, script: str) -> None:
    """The running command is ended, the attempt ends cancelled, and the override is in the ledger."""
    key = desk.alert("ManualSleeps")
    desk.site.until(key, lambda _: any(entry["kind"] == "action.started" for entry in desk.site.entries(key)))
    desk.run(script, key)
    done = desk.site.until_outcome(key)
    assert (done["outcome"], done["attempts"][0]["ran"]) == ("cancelled", True)
    assert desk.overrides(alert_key=key, decision="cancel", actor=ACTOR)


def overrides_to_retry(desk: Desk, script: str) -> None:
    """A cooling episode gets a second attempt at once, and the override is in the ledger."""
    key = desk.acted()
    desk.run(script, key)
    desk.site.until(key, lambda found: len(found["attempts"]) == 2)
    assert desk.overrides(alert_key=key, decision="retry", actor=ACTOR)


def freezes(desk: Desk, script: str) -> None:
    """Everything is frozen, ``lumen`` says by whom, the ledger has it, and an alert that comes now is blocked."""
    try:
        desk.run(script)
        until(lambda: bool(desk.overrides(decision="freeze", actor=ACTOR)), "the freeze in the ledger")
        assert ACTOR in desk.site.lumen("freeze", "status").stdout
        key = desk.alert("ManualActs")
        assert ACTOR in desk.site.until_state(key, "blocked")["state_reason"]
    finally:
        desk.site.lumen("freeze", "off", "--actor", ACTOR, "--reason", "the test is over")
    assert desk.site.until_outcome(key)["outcome"] == "remediated"


def thaws(desk: Desk, script: str) -> None:
    """Nothing is frozen any more, the ledger has it, and what was blocked goes on."""
    frozen = desk.site.lumen("freeze", "on", "--actor", OTHER, "--reason", "before the thaw")
    assert frozen.returncode == 0, frozen.stderr
    key = desk.alert("ManualActs")
    desk.site.until_state(key, "blocked")
    desk.run(script)
    until(lambda: not desk.frozen(), "the thaw")
    assert desk.site.until_outcome(key)["outcome"] == "remediated"
    assert desk.overrides(decision="unfreeze", actor=ACTOR)


def clears_target(desk: Desk, script: str) -> None:
    """The target cools no more, the ledger has it, and the next episode on it acts at once."""
    desk.cooling_target()
    desk.run(script)
    until(lambda: not desk.cooling(), "the end of the cooldown")
    assert desk.overrides(decision="clear_cooldown", guard="target-host1", actor=ACTOR)
    key = desk.alert("ManualCools", instance="host1")
    assert desk.site.until_outcome(key)["outcome"] == "remediated"


def clears_episode(desk: Desk, script: str) -> None:
    """The episode cools no more, and the ledger has it."""
    key = desk.acted()
    assert desk.site.status(key)["cooldown_until"]
    desk.run(script, key)
    assert desk.site.until_state(key, "watching")["cooldown_until"] is None
    assert desk.overrides(alert_key=key, decision="clear_cooldown", actor=ACTOR)


def wakes(desk: Desk, script: str) -> None:
    """A blocked episode looks again, minutes before it would by itself."""
    holder = desk.alert("ManualHolds", instance="host2")
    desk.site.until_state(holder, "awaiting_approval")
    key = desk.alert("ManualHolds", instance="host2")
    desk.site.until_state(key, "blocked")
    before = desk.looks(key)
    desk.run(script, key)
    until(lambda: desk.looks(key) > before, "the look")
    assert desk.site.vote(holder, ACTOR, "reject").is_success


def cancels_workflow(desk: Desk, script: str) -> None:
    """The episode ends cancelled, with its outcome in the ledger."""
    key = desk.asking()
    desk.run(script, key)
    until(lambda: '"cancelled"' in json.dumps(desk.site.entries(key)), "the outcome in the ledger")
    assert desk.site.status(key)["outcome"] == "cancelled"


def resets(desk: Desk, script: str) -> None:
    """The episode starts again and asks again; approved again, its command does not run again."""
    key = desk.asking("warning")
    before = len(desk.site.marks())
    assert desk.site.vote(key, ACTOR).is_success
    first = desk.site.until_outcome(key)
    assert first["outcome"] == "remediated"
    desk.run(script, key)
    again = desk.site.until(key, lambda found: found["run_id"] != first["run_id"] and bool(found["approval"]))
    assert again["state"] == "awaiting_approval"
    assert again["approval"]["votes"] == {"approve": [], "reject": []}
    assert desk.site.vote(key, OTHER).is_success
    assert desk.site.until_outcome(key)["outcome"] == "remediated"
    assert len(desk.site.marks()) == before + 1
    assert [entry["kind"] for entry in desk.site.entries(key)].count("action.started") == 1


CASES: list[tuple[str, Callable[[Desk, str], None]]] = [
    (r"workflow list .*AlertWorkflow|workflow list .*LumenState", lists_episodes),
    (r"workflow list .*GuardWorkflow", lists_guards),
    (r'workflow (describe|query|show|metadata) .*"alert-\$KEY"', looks),
    (r"workflow query .*target-host1", looks_at_guard),
    (r"workflow signal .*--name vote", votes),
    (r"workflow update execute .*--name vote", votes_by_update),
    (r'--name override .*"approve"', overrides_to_approve),
    (r'--name override .*"reject"', overrides_to_reject),
    (r'--name override .*"cancel"', overrides_to_cancel),
    (r'--name override .*"retry"', overrides_to_retry),
    (r"--type FreezeWorkflow|lumen freeze on", freezes),
    (r"--name unfreeze|lumen freeze off", thaws),
    (r"target-host1 --name clear |lumen cooldown clear host1", clears_target),
    (r'"alert-\$KEY" --name clear_cooldown', clears_episode),
    (r"--name wake", wakes),
    (r"workflow cancel ", cancels_workflow),
    (r"workflow reset ", resets),
    (r'lumen (alert show|approve|reject|override) "?\$KEY', looks),
]
"""What each kind of command must have done, found by what stands in the command."""


def case_of(script: str) -> Callable[[Desk, str], None]:
    """Return what checks a command; a command that nothing checks has no place in the manual."""
    flat = re.sub(r"\s*\\\n\s*", " ", script)
    found = [case for pattern, case in CASES if re.search(pattern, flat, re.DOTALL)]
    assert len(found) == 1, f"{len(found)} checks for the command: {script}"
    return found[0]
