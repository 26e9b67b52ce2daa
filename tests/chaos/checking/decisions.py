"""Was every claim decided by those who may? (class ``unproven``)"""

from __future__ import annotations

from typing import Any

from tests.chaos.checking.acts import Action
from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.ledger import Entry
from tests.chaos.checking.reading import rows, text, whole
from tests.chaos.checking.report import Report
from tests.chaos.checking.trial import Rule, person


def check_decisions(evidence: Evidence, report: Report) -> None:
    """Judge every claim, whether its command came to write a line or not."""
    for key, claims in sorted(evidence.ledger.claims.items()):
        report.count("claims", len(claims))
        for claim in claims:
            _check_claim(key, claim, evidence, report)


def _check_claim(key: str, claim: Entry, evidence: Evidence, report: Report) -> None:
    action = claim.action
    if action is None:
        report.add("unproven", key, f"entry {claim.seq} claims a key that has not the documented form")
        return
    rule = evidence.trial.rule_of(action.episode)
    if rule is None:
        if action.workflow.startswith("alert-") and evidence.trial.episodes:
            report.add("unproven", key, f"entry {claim.seq} claims an action of an episode that nobody sent")
        return
    if not claim.idem.startswith(f"{key}/claim/"):
        report.add("unproven", key, f"the idem of entry {claim.seq} is {claim.idem!r}, not that of a claim of its key")
    if text(claim.data, "rule") != rule.name or text(claim.data, "alert_key") != action.episode:
        told = f"entry {claim.seq} claims for rule {text(claim.data, 'rule')!r} and {text(claim.data, 'alert_key')!r}"
        report.add("unproven", key, f"{told}, the episode has rule {rule.name!r}")
    if rule.mode == "shadow":
        report.add("unproven", key, f"entry {claim.seq} claims an action of a rule in mode shadow")
    seq = whole(claim.data, "decision_seq")
    if seq is None:
        if rule.mode != "auto" and not _overridden(action, claim, evidence):
            report.add("unproven", key, f"entry {claim.seq} claims an action, and nothing decided it")
        return
    why = _invalid(action, rule, claim, evidence.ledger.by_seq.get(seq), evidence)
    if why:
        report.add("unproven", key, f"entry {claim.seq} claims an action by the decision in entry {seq}: {why}")


def _overridden(action: Action, claim: Entry, evidence: Evidence) -> bool:
    found = evidence.ledger.about("override", action.episode)
    return any(entry.seq < claim.seq and text(entry.data, "decision") == "approve" for entry in found)


def _invalid(action: Action, rule: Rule, claim: Entry, decision: Entry | None, evidence: Evidence) -> str:
    """Return why a decision does not allow the claim, or nothing."""
    if decision is None or decision.kind not in {"approval_quorum_decision", "override"}:
        return "there is no such decision"
    if decision.seq >= claim.seq:
        return "it came after the claim"
    if text(decision.data, "decision") != "approve":
        return f"it says {text(decision.data, 'decision')!r}"
    if text(decision.data, "alert_key") != action.episode:
        return f"it is about {text(decision.data, 'alert_key')!r}"
    if decision.kind == "override":
        return ""
    if text(decision.data, "plan_digest") != text(claim.data, "plan_digest"):
        return "it is about another plan"
    if not text(decision.data, "approval_id").startswith(f"{action.run}.{action.attempt}."):
        return f"it is about the request {text(decision.data, 'approval_id')!r}, of another run or attempt"
    return _no_quorum(rule, decision, evidence)


def _no_quorum(rule: Rule, decision: Entry, evidence: Evidence) -> str:
    approve, reject = (voters(decision.data, side) for side in ("approve", "reject"))
    strangers = sorted(set(approve + reject) - rule.allow) if rule.allow else []
    if strangers:
        return f"{', '.join(strangers)} may not vote"
    if len(set(approve)) < rule.approve:
        return f"{len(set(approve))} people approved ({', '.join(approve)}), the rule wants {rule.approve}"
    if len(set(reject)) >= rule.reject:
        return f"{', '.join(reject)} rejected"
    silent = [name for name in sorted(set(approve)) if not _voted(name, text(decision.data, "alert_key"), evidence)]
    if silent:
        return f"{', '.join(silent)} never sent such a vote"
    return ""


def voters(data: dict[str, Any], side: str) -> list[str]:
    """Return who stands on one side of the tally ``voters`` of a decision."""
    return [person(text(vote, "actor")) for vote in rows(data, "voters", side)]


def _voted(name: str, key: str, evidence: Evidence) -> bool:
    """Return whether this person sent an approval that was not refused."""
    for vote in evidence.votes:
        if person(text(vote, "actor")) != name or text(vote, "key") != key or text(vote, "decision") != "approve":
            continue
        status = whole(vote, "status")
        if status is None or status < 300 or status >= 500:
            return True
    return False
