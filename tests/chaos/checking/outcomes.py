"""Do ledger, commands, API and Temporal tell the same story about every attempt? (classes ``wrong_outcome``, ``lost``)"""

from __future__ import annotations

from tests.chaos.checking.acts import parse_action
from tests.chaos.checking.agreement import check_agreement
from tests.chaos.checking.evidence import Evidence, Pass
from tests.chaos.checking.ledger import Entry
from tests.chaos.checking.reading import rows, text, whole
from tests.chaos.checking.report import Report
from tests.chaos.checking.trial import Rule

# Outcomes of attempts in which nothing may have started (docs/architecture.md).
IDLE = {"rejected", "expired", "resolved", "condition_not_met", "suppressed", "refused", "dry_run"}
KNOWN = IDLE | {"remediated", "rolled_back", "failed", "unknown", "cancelled"}


def check_outcomes(evidence: Evidence, report: Report) -> None:
    """Judge every attempt by its one entry, and look for attempts that have none."""
    outcomes: dict[str, int] = report.counts.setdefault("outcomes", {})
    for place, entries in sorted(evidence.ledger.ends.items()):
        for entry in entries:
            outcome = text(entry.data, "outcome")
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            _check_pass(place, entry, evidence, report)
    for entry in evidence.ledger.of_kind("auto_remediation"):
        if not entry.idem.endswith("/auto_remediation") or entry.pass_of is None:
            report.add("wrong_outcome", "", f"entry {entry.seq} ends an attempt under the idem {entry.idem!r}")
    _check_results(evidence, report)
    _check_missing(evidence, report)
    check_agreement(evidence, report)


def _check_pass(place: Pass, entry: Entry, evidence: Evidence, report: Report) -> None:
    key = place[0].removeprefix("alert-")
    rule = evidence.trial.rule_of(key)
    outcome = text(entry.data, "outcome")
    said = f"entry {entry.seq} says {outcome} of attempt {place[2]}"
    starts = evidence.by_pass.get(place, [])
    if outcome not in KNOWN:
        report.add("wrong_outcome", key, f"{said}: there is no such outcome")
    # An alert that resolved before it was planned has no rule yet.
    if rule and text(entry.data, "rule") not in {rule.name, ""}:
        report.add("wrong_outcome", key, f"{said} by rule {text(entry.data, 'rule')!r}, its rule is {rule.name!r}")
    if starts:
        # A put-back Temporal may forget that an attempt acted, and end it otherwise (docs/disaster-recovery.md).
        excused = evidence.trial.forgets(starts[0].at) or evidence.forgotten(entry.at)
        begun = f"{starts[0].key} started at {starts[0].at:.3f}"
        if outcome in IDLE:
            report.judge("wrong_outcome", key, f"{said}, but {begun}", excused=excused)
        if entry.data.get("ran") is False:
            report.judge("wrong_outcome", key, f"{said} and that nothing ran, but {begun}", excused=excused)
    if outcome == "remediated":
        _check_remediated(place, said, rule, evidence, report)
    if outcome in {"resolved", "rejected"}:
        _check_reason(key, entry, said, evidence, report)
    if rule and rule.ends and not evidence.trial.faults and not evidence.trial.put_back and outcome not in rule.ends:
        report.add("wrong_outcome", key, f"{said}; without any fault {', '.join(sorted(rule.ends))} would be right")
    for told in rows(entry.data, "actions"):
        _check_told(key, said, entry, text(told, "key"), text(told, "status"), evidence, report)


def _check_remediated(place: Pass, said: str, rule: Rule | None, evidence: Evidence, report: Report) -> None:
    """``remediated`` means that every action ended, by its own word and by the ledger."""
    key = place[0].removeprefix("alert-")
    ended = {started.key for started in evidence.by_pass.get(place, []) if started.ended is not None}
    begun = {started.key for started in evidence.by_pass.get(place, [])}
    if rule and len(ended) < rule.actions:
        told = f"{len(begun)} of {rule.actions} actions wrote a start line, {len(ended)} an end line"
        report.add("wrong_outcome", key, f"{said}, but {told}")
    for action in sorted(begun - ended):
        report.add("wrong_outcome", key, f"{said}, but {action} has no end line")
    good = {
        name
        for name, results in evidence.ledger.results.items()
        if results and text(results[-1].data, "status") == "succeeded"
    }
    for action in sorted(begun - good):
        report.add("wrong_outcome", key, f"{said}, but no action.finished of {action} says succeeded")


def _check_reason(key: str, entry: Entry, said: str, evidence: Evidence, report: Report) -> None:
    """Nobody's alert resolves by itself, and nobody's request rejects itself."""
    episode = evidence.trial.episodes.get(key)
    if text(entry.data, "outcome") == "resolved":
        fingerprint = key.partition("-")[2]
        sent = any(
            text(alert, "fingerprint") == fingerprint and text(alert, "status") == "resolved"
            for line in evidence.sent
            for alert in rows(line, "alerts")
        )
        if episode and episode.resolved is None and not sent:
            report.add("wrong_outcome", key, f"{said}, but the alert never resolved")
        return
    rejected = any(
        before.seq < entry.seq and text(before.data, "decision") == "reject"
        for kind in ("approval_quorum_decision", "override")
        for before in evidence.ledger.about(kind, key)
    )
    if not rejected:
        report.add("wrong_outcome", key, f"{said}, but no decision before it rejects")


def _check_told(
    key: str, said: str, entry: Entry, action: str, status: str, evidence: Evidence, report: Report
) -> None:
    """What the end of an attempt says about an action is what the action's own result says."""
    results = evidence.ledger.results.get(action, [])
    before = [result for result in results if result.seq < entry.seq]
    if not before and results and status == "unknown":
        report.count("late_results")
        return
    if not before:
        if status == "succeeded":
            report.add(
                "wrong_outcome",
                key,
                f"{said} and that {action} succeeded, but there is no action.finished of it before",
            )
        return
    last = text(before[-1].data, "status")
    if status and status != last:
        told = f"{said} and {status} of {action}, but entry {before[-1].seq} says {last}"
        report.add("wrong_outcome", key, told)
    if text(entry.data, "outcome") == "unknown" and last in {"succeeded", "failed"} and status == "unknown":
        report.add("wrong_outcome", key, f"{said}, although entry {before[-1].seq} holds the result of {action}")


def _check_results(evidence: Evidence, report: Report) -> None:
    """Every result has its claim, and what succeeded wrote its end line."""
    for name, results in sorted(evidence.ledger.results.items()):
        action = parse_action(name)
        key = action.episode if action else name
        claims = evidence.ledger.claims.get(name, [])
        if not claims or claims[0].seq > results[0].seq:
            report.add("unproven", name, f"entry {results[0].seq} is a result, and no claim stands before it")
        if key not in evidence.trial.episodes:
            continue
        exited = [result for result in results if whole(result.data, "detail", "exit_code") is not None]
        if exited and not evidence.by_key.get(name):
            report.add(
                "wrong_outcome", key, f"entry {exited[0].seq} says that {name} exited, but it wrote no start line"
            )
        succeeded = [result for result in results if text(result.data, "status") == "succeeded"]
        ended = [started for started in evidence.by_key.get(name, []) if started.ended is not None]
        if succeeded and not ended:
            report.add(
                "wrong_outcome", key, f"entry {succeeded[0].seq} says that {name} succeeded, but it wrote no end line"
            )


def _check_missing(evidence: Evidence, report: Report) -> None:
    """Every attempt that claimed or acted has its end, and no number of an attempt is left out."""
    acted: set[Pass] = set(evidence.by_pass)
    for name in evidence.ledger.claims:
        action = parse_action(name)
        if action and action.episode in evidence.trial.episodes:
            acted.add(action.pass_of)
    for place in sorted(acted - set(evidence.ledger.ends)):
        claims = [claim for claims in evidence.ledger.claims.values() for claim in claims if _of(claim) == place]
        starts = [started.at for started in evidence.by_pass.get(place, [])]
        times = starts or [at for claim in claims if (at := evidence.monotonic(claim.at)) is not None]
        told = f"attempt {place[2]} of run {place[1]} acted, and no auto_remediation says what came of it"
        excused = evidence.trial.forgets(min(times, default=None))
        report.judge("lost", place[0].removeprefix("alert-"), told, excused=excused)
    for workflow, run, attempt in sorted(evidence.ledger.ends):
        if attempt > 1 and (workflow, run, attempt - 1) not in evidence.ledger.ends:
            told = f"run {run} has an end of attempt {attempt} and none of attempt {attempt - 1}"
            report.add("lost", workflow.removeprefix("alert-"), told)


def _of(claim: Entry) -> Pass | None:
    return claim.action.pass_of if claim.action else None
