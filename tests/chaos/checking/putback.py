"""After a put-back, did nothing act again before a person had looked? (class ``doubled``)"""

from __future__ import annotations

from tests.chaos.checking.acts import parse_action
from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.ledger import Entry
from tests.chaos.checking.reading import text
from tests.chaos.checking.report import Report


def check_put_back(evidence: Evidence, report: Report) -> None:
    """Of an episode whose run Temporal forgot, no other run acts until somebody has thawed what that froze."""
    back = evidence.trial.put_back
    if back is None:
        return
    thawed = [entry.seq for entry in evidence.ledger.of_kind("override") if text(entry.data, "decision") == "unfreeze"]
    claims = sorted((claim for found in evidence.ledger.claims.values() for claim in found), key=lambda one: one.seq)
    lost: dict[str, Entry] = {}
    for claim in claims:
        action = parse_action(claim.key)
        if action is None or action.episode not in evidence.trial.episodes:
            continue
        if action.run not in evidence.chains.get(action.workflow, {}):
            lost.setdefault(action.workflow, claim)
            continue
        before = lost.get(action.workflow)
        if before is not None and not any(before.seq < seq < claim.seq for seq in thawed):
            told = f"entry {claim.seq} claims for a new run what the forgotten run of entry {before.seq} has claimed"
            report.add("doubled", action.workflow, f"{told}, and nobody has thawed anything in between")
        elif before is not None:
            report.count("claims_after_a_thaw")
