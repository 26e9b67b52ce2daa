"""Did everything come to rest once the faults were over? (class ``stuck``)"""

from __future__ import annotations

from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.reading import rows, table, text
from tests.chaos.checking.report import Report

MOVING = {"planning", "waiting_ledger", "executing", "verifying", "rolling_back"}
WAITING = {"blocked", "awaiting_approval"}


def check_settling(evidence: Evidence, report: Report) -> None:
    """No episode is under way at the end, and no workflow task fails again and again."""
    ended = {place[0].removeprefix("alert-") for place in evidence.ledger.ends}
    for key in sorted(evidence.trial.episodes):
        state = state_of(evidence, key)
        report.count(f"state_{state}" if state else "state_none")
        attempts = key in ended or bool(rows(evidence.alerts, key, "attempts"))
        if (
            state in MOVING
            or (state in WAITING and not attempts)
            or (state == "blocked" and _nobody_holds(evidence, key))
        ):
            reason = text(evidence.alerts, key, "state_reason")
            report.add("stuck", key, f"still {state} at the end, though all faults are over. {reason}".strip())
    for run in evidence.runs:
        if run.jammed:
            report.add("stuck", run.workflow, f"run {run.run}: its last workflow task failed: {run.jammed}")
        if run.type == "IntakeWorkflow" and run.status == "running":
            # It may rightly wait two minutes for the firing of a resolve; a firing that it holds back is `lost` elsewhere.
            report.count("intakes_open")


def state_of(evidence: Evidence, key: str) -> str:
    """Return the state that the API told, else the last one in the history."""
    told = table(evidence.alerts, key)
    if told and told.get("stale") is not True and text(told, "state"):
        return text(told, "state")
    states = [run.state for run in evidence.runs if run.workflow == f"alert-{key}" and run.status != "continued"]
    return states[-1] if states else ""


def _nobody_holds(evidence: Evidence, key: str) -> bool:
    """Return whether no other episode of the same target waits for people, who would be right to hold it."""
    target = text(evidence.alerts, key, "target")
    others = (other for other in evidence.alerts if other != key and text(evidence.alerts, other, "target") == target)
    return not any(state_of(evidence, other) == "awaiting_approval" for other in others)
