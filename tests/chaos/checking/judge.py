"""Runs all checks over one evidence folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.checking.arrivals import check_arrivals
from tests.chaos.checking.decisions import check_decisions
from tests.chaos.checking.evidence import Evidence, collect
from tests.chaos.checking.guards import check_guards
from tests.chaos.checking.heads import check_heads
from tests.chaos.checking.outcomes import check_outcomes
from tests.chaos.checking.putback import check_put_back
from tests.chaos.checking.report import Report
from tests.chaos.checking.settling import check_settling
from tests.chaos.checking.starts import check_starts
from tests.chaos.checking.voting import check_voting

CHECKS: tuple[Callable[[Evidence, Report], None], ...] = (
    check_heads,
    check_arrivals,
    check_starts,
    check_decisions,
    check_voting,
    check_guards,
    check_put_back,
    check_outcomes,
    check_settling,
)


def judge(folder: Path) -> dict[str, Any]:
    """Return ``{"seed", "counts", "findings"}`` for one evidence folder. Never raises, whatever is in the folder."""
    report = Report()
    try:
        evidence = collect(folder, report)
    except Exception as error:  # noqa: BLE001 - evidence may be damaged in any way, and that is a finding
        report.add("evidence", "", f"the folder {folder} cannot be read: {error!r}")
        return report.document()
    report.counts["episodes"] = len(evidence.trial.episodes)
    for check in CHECKS:
        try:
            check(evidence, report)
        except Exception as error:  # noqa: BLE001 - as above; the other checks still say what they see
            report.add("evidence", "", f"{check.__name__} could not be done: {error!r}")
    return report.document()
