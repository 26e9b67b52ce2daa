"""Was every alert that Lumen accepted, or that must have reached it, brought to an outcome? (class ``lost``)"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.reading import number, rows, text, whole
from tests.chaos.checking.report import Report
from tests.chaos.checking.settling import MOVING, WAITING, state_of

# What an accepted firing alert became (docs/http-api.md); of any other result nothing follows.
HEARD = {"started", "updated", "queued"}
# An alert that went on firing for so long after the last fault must have been delivered by a repeat, in seconds.
DUE_AFTER = 30.0
ILL = {"failed", "terminated", "timed out", "canceled"}


def check_arrivals(evidence: Evidence, report: Report) -> None:
    """Every accepted or due alert has an outcome in the ledger; no workflow that carries alerts was cut short."""
    accepted = accepted_firings(evidence, report)
    ended = {(place[0].removeprefix("alert-")) for place in evidence.ledger.ends}
    for key, deliveries in sorted(accepted.items()):
        # One that is under way is not lost but `stuck`.
        if key in ended or state_of(evidence, key) in MOVING | WAITING:
            continue
        kept = [line for line in deliveries if not _forgotten(evidence, line)]
        when = (kept or deliveries)[0]
        told = f"accepted at {number(when, 'at')} by {text(when, 'to')}, and no outcome of it stands in the ledger"
        report.judge("lost", key, told, excused=not kept)
    for key, episode in sorted(evidence.trial.episodes.items()):
        due = max(evidence.trial.faults_over, episode.fired) + DUE_AFTER
        over = episode.resolved if episode.resolved is not None else evidence.trial.ended
        if key in ended or key in accepted:
            continue
        if due <= over:
            report.add(
                "lost", key, f"fired at {episode.fired}, went on after all faults, and has no outcome in the ledger"
            )
        else:
            report.count("never_delivered")
    _check_workflows(evidence, report)


def accepted_firings(evidence: Evidence, report: Report) -> dict[str, list[dict[str, Any]]]:
    """Return for each episode the deliveries in which it was accepted as firing."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in evidence.sent:
        report.count("deliveries")
        status = whole(line, "status")
        if status is None or not 200 <= status < 300:
            continue
        report.count("accepted")
        for told in rows(line, "answer", "alerts"):
            if text(told, "result") in HEARD and text(told, "status") != "resolved":
                found[text(told, "key")].append(line)
        if not rows(line, "answer", "alerts"):
            for alert in rows(line, "alerts"):
                key = f"alertmanager-{text(alert, 'fingerprint')}"
                if text(alert, "status") == "firing" and key in evidence.trial.episodes:
                    found[key].append(line)
    return found


def _forgotten(evidence: Evidence, line: dict[str, Any]) -> bool:
    return evidence.trial.forgets(number(line, "at"), number(line, "until"))


def _check_workflows(evidence: Evidence, report: Report) -> None:
    for run in evidence.runs:
        if run.status in ILL and run.type in {"AlertWorkflow", "IntakeWorkflow"}:
            report.add("lost", run.workflow, f"run {run.run} of {run.type} was cut short: {run.status}")
