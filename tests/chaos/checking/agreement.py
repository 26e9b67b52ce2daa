"""Do the API and Temporal say of every attempt what the ledger says? (class ``wrong_outcome``)"""

from __future__ import annotations

from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.ledger import Entry
from tests.chaos.checking.reading import rows, table, text, whole
from tests.chaos.checking.report import Report


def check_agreement(evidence: Evidence, report: Report) -> None:
    """Compare the ends of attempts in the ledger with alerts.json and with the histories."""
    for key in sorted(evidence.trial.episodes):
        alert = table(evidence.alerts, key)
        if alert and alert.get("stale") is not True:
            _check_alert(key, alert, evidence, report)
        elif _in_ledger(key, evidence) and not any(run.workflow == f"alert-{key}" for run in evidence.runs):
            told = "the ledger holds its outcome, neither alerts.json nor the histories know it"
            report.judge("wrong_outcome", key, told, excused=evidence.trial.put_back is not None)
    _check_histories(evidence, report)


def _in_ledger(key: str, evidence: Evidence) -> list[Entry]:
    return [end for place, ends in sorted(evidence.ledger.ends.items()) if place[0] == f"alert-{key}" for end in ends]


def _first_run(workflow: str, run: str, evidence: Evidence) -> str:
    """Return the id of the first run of the chain that a run belongs to."""
    for first, chain in evidence.chains.get(workflow, {}).items():
        if any(found.run == run for found in chain):
            return first
    return run


def _check_alert(key: str, alert: dict[str, object], evidence: Evidence, report: Report) -> None:
    workflow = f"alert-{key}"
    run = _first_run(workflow, text(alert, "run_id"), evidence)
    in_ledger = {
        place[2]: ends[-1] for place, ends in evidence.ledger.ends.items() if place[0] == workflow and place[1] == run
    }
    shown: dict[int, str] = {}
    for attempt in rows(alert, "attempts"):
        number = whole(attempt, "n")
        if number is not None:
            shown[number] = text(attempt, "outcome")
    for number, outcome in sorted(shown.items()):
        if number not in in_ledger:
            told = f"alerts.json says {outcome} of attempt {number}, and the ledger has no auto_remediation of it"
            report.add("wrong_outcome", key, told)
        elif text(in_ledger[number].data, "outcome") != outcome:
            there = text(in_ledger[number].data, "outcome")
            told = f"alerts.json says {outcome} of attempt {number}, entry {in_ledger[number].seq} says {there}"
            report.judge("wrong_outcome", key, told, excused=evidence.forgotten(in_ledger[number].at))
    for number in sorted(set(in_ledger) - set(shown)):
        if number >= min(shown, default=0):
            entry = in_ledger[number]
            told = f"entry {entry.seq} ends attempt {number}, alerts.json does not know it"
            report.judge("wrong_outcome", key, told, excused=evidence.forgotten(entry.at))
    last = shown[max(shown)] if shown else ""
    if shown and text(alert, "outcome") != last:
        report.add("wrong_outcome", key, f"alerts.json says {text(alert, 'outcome')!r}, its last attempt ended {last}")


def _check_histories(evidence: Evidence, report: Report) -> None:
    """The last outcome that a workflow told Temporal is that of its last attempt in the ledger."""
    if not evidence.runs:
        return
    last: dict[tuple[str, str], Entry] = {}
    for (workflow, run, _), ends in sorted(evidence.ledger.ends.items()):
        last[workflow, run] = ends[-1]
    for (workflow, run), entry in sorted(last.items()):
        key = workflow.removeprefix("alert-")
        chain = evidence.chains.get(workflow, {}).get(run)
        if chain is None:
            told = f"entry {entry.seq} ends an attempt of run {run}, which Temporal does not know"
            report.judge("wrong_outcome", key, told, excused=evidence.forgotten(entry.at))
            continue
        told_outcome = next((found.outcome for found in reversed(chain) if found.outcome), "")
        outcome = text(entry.data, "outcome")
        if told_outcome and told_outcome != outcome:
            told = f"entry {entry.seq} says {outcome}, the history of run {run} ends with {told_outcome}"
            report.judge("wrong_outcome", key, told, excused=evidence.forgotten(entry.at))
    for workflow, by_first in sorted(evidence.chains.items()):
        for run, chain in sorted(by_first.items()):
            told_outcome = next((found.outcome for found in reversed(chain) if found.outcome), "")
            if workflow.startswith("alert-") and told_outcome and (workflow, run) not in last:
                told = (
                    f"the history of run {run} ends with {told_outcome}, and the ledger has no auto_remediation of it"
                )
                report.add("wrong_outcome", workflow.removeprefix("alert-"), told)
