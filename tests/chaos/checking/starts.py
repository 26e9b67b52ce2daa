"""Did nothing run twice, nothing at once, and nothing without a claim? (classes ``doubled`` and ``unproven``)"""

from __future__ import annotations

import itertools
from collections import defaultdict

from tests.chaos.checking.acts import Action, Started, parse_action
from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.report import Report


def check_starts(evidence: Evidence, report: Report) -> None:
    """Judge every start that the commands themselves wrote down."""
    report.count("starts", len(evidence.starts))
    report.count("cut_off", sum(started.ended is None for started in evidence.starts))
    for key, starts in sorted(evidence.by_key.items()):
        _check_claims(key, starts, evidence, report)
        action = parse_action(key)
        rule = evidence.trial.rule_of(action.episode) if action else None
        if len(starts) > 1 and not (action and rule and rule.may_repeat(action.name)):
            times = ", ".join(f"{started.at:.3f}" for started in starts)
            report.add("doubled", key, f"started {len(starts)} times, at {times}, and it is not idempotent")
    _check_two_keys(evidence, report)
    _check_at_once(evidence, report)
    _check_ends(evidence, report)
    _check_chains(evidence, report)


def _check_claims(key: str, starts: list[Started], evidence: Evidence, report: Report) -> None:
    claims = evidence.ledger.claims.get(key, [])
    if len(claims) < len(starts):
        where = starts[len(claims)]
        told = f"{len(starts)} starts and {len(claims)} claims: no action.started"
        report.add("unproven", key, f"{told} of the start at {where.at:.3f} in {where.file}")
    for claim, started in zip(claims, starts, strict=False):
        claimed = evidence.monotonic(claim.at)
        if claimed is not None and claimed > started.at + evidence.slack:
            told = (
                f"started at {started.at:.3f}, before its claim (entry {claim.seq}, {claimed - started.at:.3f} s later)"
            )
            report.add("unproven", key, told)
    action = parse_action(key)
    files = {episode.file: episode.key for episode in evidence.trial.episodes.values()}
    for started in starts:
        owner = files.get(started.file)
        if owner and (action is None or action.episode != owner):
            report.add("unproven", key, f"started in {started.file}, which is of {owner}")


def _actions(evidence: Evidence) -> dict[str, list[Action]]:
    """Return the distinct actions that started, by episode."""
    found: dict[str, list[Action]] = defaultdict(list)
    for key in evidence.by_key:
        action = parse_action(key)
        if action:
            found[action.workflow].append(action)
    return found


def _check_two_keys(evidence: Evidence, report: Report) -> None:
    """The key of an action does not change within an attempt: neither its run, nor its name."""
    for workflow, actions in sorted(_actions(evidence).items()):
        firsts = evidence.chains.get(workflow, {})
        runs = {action.run for action in actions}
        strange = sorted(runs - set(firsts))
        for run in strange if len(runs) > 1 else []:
            first = min(
                started.at
                for place, starts in evidence.by_pass.items()
                if place[:2] == (workflow, run)
                for started in starts
            )
            told = f"one episode acts under the keys of two runs: {run} is no first run of it"
            report.judge("doubled", workflow, told, excused=evidence.trial.forgets(first))
        rule = evidence.trial.rule_of(workflow.removeprefix("alert-"))
        names: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        for action in actions:
            if "rollback" not in action.name:
                names[action.pass_of].add(action.name)
        for place, found in names.items():
            if rule and len(found) > rule.actions:
                told = (
                    f"attempt {place[2]} of run {place[1]} acted under {len(found)} keys ({', '.join(sorted(found))})"
                )
                report.add("doubled", workflow, f"{told}, its rule has {rule.actions} actions")


def _check_at_once(evidence: Evidence, report: Report) -> None:
    """Two commands of one episode never run at the same time."""
    by_file: dict[str, list[Started]] = defaultdict(list)
    for started in evidence.starts:
        action = parse_action(started.key)
        by_file[action.workflow if action else started.file].append(started)
    for workflow, starts in sorted(by_file.items()):
        for place, first in enumerate(starts):
            for second in starts[place + 1 :]:
                if first.ended is None or second.at >= first.ended:
                    continue
                if first.key == second.key:
                    report.count("overlapping_retries")
                    continue
                told = (
                    f"two runs at once: {second.key} started at {second.at:.3f}, {first.key} ended at {first.ended:.3f}"
                )
                report.judge("doubled", workflow, told, excused=evidence.trial.forgets(first.at, first.ended))


def _check_ends(evidence: Evidence, report: Report) -> None:
    """Each attempt has one entry that ends it."""
    for (workflow, run, attempt), entries in sorted(evidence.ledger.ends.items()):
        if len(entries) > 1:
            where = ", ".join(str(entry.seq) for entry in entries)
            report.add("doubled", workflow, f"attempt {attempt} of run {run} has the auto_remediation entries {where}")


def _check_chains(evidence: Evidence, report: Report) -> None:
    """Of one workflow id one run is open at a time."""
    for workflow, by_first in sorted(evidence.chains.items()):
        runs = sorted((run for chain in by_first.values() for run in chain), key=lambda run: run.began)
        for before, after in itertools.pairwise(runs):
            if before.ended is None or after.began < before.ended - 0.001:
                told = f"two runs at once: {after.run} began before {before.run} ended"
                report.judge("doubled", workflow, told, excused=False)
