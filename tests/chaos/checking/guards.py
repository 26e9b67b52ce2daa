"""Did the locks, cooldowns and budgets hold? (class ``guard_exceeded``)"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable

from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.passes import Ran, ran_passes
from tests.chaos.checking.reading import rows, text
from tests.chaos.checking.report import Report
from tests.chaos.checking.trial import Rule

# Clocks, and the moment between the end of a command and its line, in seconds.
NEAR = 0.1


def check_guards(evidence: Evidence, report: Report) -> None:
    """Judge every attempt that ran something against what its rule allows."""
    every = ran_passes(evidence)
    report.counts["runs"] = len(every)
    for rule in evidence.trial.rules.values():
        ours = [ran for ran in every if ran.rule == rule.name]
        _check_budget(rule, ours, evidence, report)
        _check_attempts(rule, ours, evidence, report)
        _check_episode_cooldown(rule, ours, evidence, report)
        by_target: dict[str, list[Ran]] = defaultdict(list)
        for ran in ours:
            by_target[ran.target].append(ran)
        for target, runs in by_target.items():
            _check_target_cooldown(rule, target, runs, evidence, report)
    _check_holders(every, evidence, report)


def _forgotten(evidence: Evidence, runs: Iterable[Ran]) -> bool:
    """Return whether the guard may have lost one of these runs when the database was put back."""
    return any(evidence.trial.forgets(ran.asked, ran.last) for ran in runs)


def _check_budget(rule: Rule, runs: list[Ran], evidence: Evidence, report: Report) -> None:
    """No window holds more runs or targets than the rule allows; runs that a put-back made forgotten are judged apart."""
    kept = [ran for ran in runs if not _forgotten(evidence, [ran])]
    for judged, excused in ((kept, False), (runs, len(kept) < len(runs))):
        for place, first in enumerate(judged):
            window = [ran for ran in judged[place:] if ran.first < first.asked + rule.per]
            if rule.max_runs and len(window) > rule.max_runs:
                told = f"{len(window)} runs within {rule.per:g} s, {rule.max_runs} are allowed: {_names(window)}"
                report.judge("guard_exceeded", f"budget-{rule.name}", told, excused=excused)
                break
        for place, first in enumerate(judged):
            window = [ran for ran in judged[place:] if ran.first < first.asked + rule.per]
            targets = {ran.target for ran in window}
            if rule.max_targets and len(targets) > rule.max_targets:
                told = f"{len(targets)} targets within {rule.per:g} s, {rule.max_targets} are allowed: {_names(window)}"
                report.judge("guard_exceeded", f"budget-{rule.name}", told, excused=excused)
                break
    if rule.concurrency:
        _check_concurrency(rule, runs, evidence, report)


def _check_concurrency(rule: Rule, runs: list[Ran], evidence: Evidence, report: Report) -> None:
    for ran in runs:
        beside = [other for other in runs if _open_at(other, ran)]
        if len(beside) > rule.concurrency:
            told = f"{len(beside)} episodes act at once, {rule.concurrency} may: {_names(beside)}"
            report.judge("guard_exceeded", f"budget-{rule.name}", told, excused=_forgotten(evidence, beside))
            return


def _open_at(other: Ran, ran: Ran) -> bool:
    """Return whether ``other`` had claimed and not ended when ``ran`` claimed first: by the ledger, else by the clock."""
    if other is ran:
        return True
    if other.opened is not None and other.closed is not None and ran.opened is not None:
        return other.opened < ran.opened < other.closed
    return other.first <= ran.first < other.last


def _check_holders(every: list[Ran], evidence: Evidence, report: Report) -> None:
    """A target has one holder at a time over all rules, and its fencing token grows."""
    by_target: dict[str, list[Ran]] = defaultdict(list)
    for ran in every:
        rule = evidence.trial.rules.get(ran.rule)
        if rule and rule.target_label:
            by_target[ran.target].append(ran)
    for target, runs in sorted(by_target.items()):
        for ran in runs:
            for other in runs:
                if other is not ran and _open_at(other, ran):
                    told = f"two holders at once: {other.name} had not ended (entry {other.closed}) when {ran.name} started"
                    report.judge("guard_exceeded", f"target-{target}", told, excused=_forgotten(evidence, [ran, other]))
        held = sorted((ran for ran in runs if ran.opened is not None), key=lambda ran: ran.opened or 0)
        for before, after in itertools.pairwise(held):
            if after.token <= before.token:
                told = f"the fencing token does not grow: {before.name} has {before.token:g}, then {after.name} {after.token:g}"
                excused = evidence.trial.put_back is not None
                report.judge("guard_exceeded", f"target-{target}", told, excused=excused)


def _check_episode_cooldown(rule: Rule, runs: list[Ran], evidence: Evidence, report: Report) -> None:
    """Between two attempts of one episode the rule rests."""
    by_key: dict[str, list[Ran]] = defaultdict(list)
    for ran in runs:
        by_key[ran.key].append(ran)
    for key, ours in by_key.items():
        if not _overrides(key, "retry", evidence):
            _check_rest(rule, key, ours, evidence, report)


def _check_target_cooldown(rule: Rule, target: str, runs: list[Ran], evidence: Evidence, report: Report) -> None:
    """Between two runs of a rule on one target it rests, whichever episode comes."""
    cleared = any(text(entry.data, "decision") == "clear_cooldown" for entry in evidence.ledger.of_kind("override"))
    retried = any(_overrides(ran.key, "retry", evidence) for ran in runs)
    if rule.target_label and not cleared and not retried:
        _check_rest(rule, f"target-{target}", runs, evidence, report)


def _check_rest(rule: Rule, key: str, runs: list[Ran], evidence: Evidence, report: Report) -> None:
    for before, after in itertools.pairwise(runs):
        rested = after.first - before.last
        # A time that is only estimated from a claim is not good enough to convict a rule of being early.
        near = NEAR if before.started and after.started else NEAR + evidence.slack
        if before.place[:2] != after.place[:2] and before.key == after.key and evidence.trial.cancelled(before.key):
            continue  # the cooldown of an episode ends with it, unless its target has one
        if before.place != after.place and rested < rule.cooldown - near:
            told = f"{after.name} started {rested:.2f} s after {before.name}, the cooldown is {rule.cooldown:g} s"
            report.judge("guard_exceeded", key, told, excused=_forgotten(evidence, [before, after]))


def _check_attempts(rule: Rule, runs: list[Ran], evidence: Evidence, report: Report) -> None:
    """While an alert goes on firing it is tried so often and no more, unless people asked for more."""
    by_run: dict[tuple[str, str], list[Ran]] = defaultdict(list)
    for ran in runs:
        by_run[ran.place[:2]].append(ran)
    for (workflow, run), ours in by_run.items():
        key = workflow.removeprefix("alert-")
        if not rule.attempts or len(ours) <= rule.attempts or _may_go_on(key, evidence):
            continue
        told = f"run {run} acted in {len(ours)} attempts, {rule.attempts} are allowed"
        report.judge("guard_exceeded", key, told, excused=_forgotten(evidence, ours))


def _may_go_on(key: str, evidence: Evidence) -> bool:
    """Return whether it resolved in between, a person retried it, or a vote followed an unknown result."""
    resolved = any(
        text(alert, "status") == "resolved" and f"alertmanager-{text(alert, 'fingerprint')}" == key
        for line in evidence.sent
        for alert in rows(line, "alerts")
    )
    unknown = any(text(entry.data, "outcome") == "unknown" for entry in evidence.ledger.about("auto_remediation", key))
    return resolved or unknown or _overrides(key, "retry", evidence)


def _overrides(key: str, decision: str, evidence: Evidence) -> bool:
    return any(text(entry.data, "decision") == decision for entry in evidence.ledger.about("override", key))


def _names(runs: Iterable[Ran]) -> str:
    return ", ".join(f"{ran.name} at {ran.first:.3f}" for ran in runs)
