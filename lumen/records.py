"""The content of ledger entries: one builder a kind, so that a retry sends identical bytes. Times are RFC 3339 UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lumen.alert import Alert
from lumen.canonical import digest
from lumen.episode import Attempt
from lumen.messages import ActionResult, ExecuteRequest, LedgerAppend
from lumen.names import attempt_key
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction
from lumen.quorum import Tally, Vote

KIND_STARTED = "action.started"
KIND_FINISHED = "action.finished"
KIND_VOID = "action.void"
KIND_DECISION = "approval_quorum_decision"
KIND_REMEDIATION = "auto_remediation"
KIND_OVERRIDE = "override"
KIND_RULES = "rules.loaded"
_MAX_RULES_TEXT = 256 * 1024  # bytes


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime | None:
    """Return the moment that ``text`` (RFC 3339) names, or None if it names none."""
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        return None
    return named if named.tzinfo else None


def claim_idem(key: str, tried: int) -> str:
    """Return the business key under which a start of an action is claimed or voided: only one of the two can exist."""
    return f"{key}/claim/{tried}"


def finished_idem(key: str, tried: int) -> str:
    """Return the business key of the result of a start."""
    return f"{key}/finished/{tried}"


def voter(vote: Vote) -> dict[str, str]:
    """Return a vote as it is shown and recorded."""
    return {
        "actor": vote.actor,
        "channel": vote.channel,
        "rank": vote.rank,
        "at": rfc3339(vote.at),
        "reason": vote.reason,
    }


def timeout_entry(alert: Alert, plan: Plan, approval_id: str, decided: datetime) -> LedgerAppend:
    """Return the entry of a rule that opted in to run when nobody decides: no voter, and it says so."""
    entry = {
        "type": KIND_DECISION,
        "decision": "approve",
        "by": "timeout",
        "alert_key": alert.key,
        "alert_context": {
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at,
            "proof_ref_prev": None,
        },
        "voters": {"approve": [], "reject": []},
        "ts": rfc3339(decided),
        "approval_id": approval_id,
        "rule": plan.rule,
        "plan_digest": plan.digest,
        "rules_digest": plan.rules_digest,
    }
    return LedgerAppend(f"{approval_id}/decision/timeout", KIND_DECISION, {"approval": entry}, first_wins=True)


def decision_entry(
    alert: Alert, plan: Plan, tally: Tally, approval_id: str, decided: datetime, proof_refs: list[int]
) -> LedgerAppend:
    """Return the entry of a decision by votes, with the fields of the first Lumen: see ``docs/ledger.md``."""
    entry = {
        "type": KIND_DECISION,
        "decision": "approve" if tally.status == "approved" else "reject",
        "alert_key": alert.key,
        "alert_context": {
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at,
            "proof_ref_prev": proof_refs[-1] if proof_refs else None,
        },
        "voters": {
            "approve": [voter(vote) for vote in tally.approve],
            "reject": [voter(vote) for vote in tally.reject],
        },
        "ts": rfc3339(decided),
        "approval_id": approval_id,
        "rule": plan.rule,
        "plan_digest": plan.digest,
        "rules_digest": plan.rules_digest,
    }
    # The voters are part of the key: after a restore of Temporal's database the same request may be decided anew by
    # others, and both decisions are facts.
    return LedgerAppend(f"{approval_id}/decision/{digest(entry)[7:23]}", KIND_DECISION, {"approval": entry})


def override_entry(workflow_id: str, key: str, override: dict[str, str], at: datetime) -> LedgerAppend:
    """Return the entry of an override."""
    entry = {"type": KIND_OVERRIDE, "alert_key": key, "workflow_id": workflow_id, "ts": rfc3339(at), **override}
    return LedgerAppend(f"{workflow_id}/override/{digest(entry)[7:39]}", KIND_OVERRIDE, {"override": entry})


def claim_entry(request: ExecuteRequest, action: PlannedAction, plan: Plan, nonce: str, run_id: str) -> LedgerAppend:
    """Return the entry that must stand before an action starts; ``nonce`` is new for every start, so only one gets it."""
    claim = {
        "type": KIND_STARTED,
        "key": request.key,
        "tried": request.tried,
        "nonce": nonce,
        "workflow_id": request.workflow_id,
        "run_id": run_id,
        "alert_key": request.alert.key,
        "rule": plan.rule,
        "target": plan.target,
        "action": action.name,
        "kind": action.kind,
        "action_digest": digest(action.spec),
        "plan_digest": plan.digest,
        "rules_digest": plan.rules_digest,
        "decision_seq": request.decision_seq,
        "fencing_token": request.fencing_token,
    }
    return LedgerAppend(claim_idem(request.key, request.tried), KIND_STARTED, {"claim": claim})


def void_entry(key: str, tried: int, reason: str, run_id: str) -> LedgerAppend:
    """Return the entry that takes the place of a claim which never came, so that a late start is refused."""
    claim = {
        "type": KIND_VOID,
        "key": key,
        "tried": tried,
        "nonce": "",
        "workflow_id": key.split("/", 1)[0],
        "reason": reason,
        "run_id": run_id,
    }
    return LedgerAppend(claim_idem(key, tried), KIND_VOID, {"claim": claim}, first_wins=True)


def rules_entry(rules_digest: str, rules: list[str], text: str = "", *, hidden: bool = False) -> LedgerAppend:
    """Return the entry that a rule set came into force; one for each content.

    ``text`` is the JSON of rules and policy whose SHA-256 is ``rules_digest``, unless something in it is ``hidden``. One of
    more than 256 KiB, or that is not Unicode, is left out.
    """
    if len(text.encode("utf-8", "surrogatepass")) > _MAX_RULES_TEXT or any("\ud800" <= one <= "\udfff" for one in text):
        text, hidden = "", True
    entry = {
        "type": KIND_RULES,
        "rules_digest": rules_digest,
        "rules": rules,
        "text": text,
        "hidden": hidden or not text,
    }
    return LedgerAppend(f"{KIND_RULES}/{rules_digest}", KIND_RULES, {"rules": entry}, first_wins=True)


def finished_entry(result: ActionResult, tried: int, nonce: str, workflow_id: str) -> LedgerAppend:
    """Return the entry of an action's result."""
    return LedgerAppend(
        finished_idem(result.key, tried),
        KIND_FINISHED,
        {
            "result": {
                "type": KIND_FINISHED,
                "key": result.key,
                "tried": tried,
                "nonce": nonce,
                "workflow_id": workflow_id,
                "name": result.name,
                "kind": result.kind,
                "status": result.status,
                "reason": result.reason,
                "duration_sec": result.duration_sec,
                "detail": result.detail,
            }
        },
        first_wins=True,
    )


def not_begun(request: ExecuteRequest, action: PlannedAction, reason: str) -> ActionResult:
    """Return the result of a start that was claimed and then not made; :func:`has_begun` says no of it."""
    return ActionResult(action.name, action.kind, request.key, ActionStatus.CANCELLED, reason, detail={"begun": False})


def has_begun(result: ActionResult) -> bool:
    """Whether the start that ``result`` is of was made."""
    return result.detail.get("begun") is not False


def result_of(entry: dict[str, Any]) -> ActionResult:
    """Return the action result that :func:`finished_entry` wrote into part ``result``."""
    return ActionResult(
        name=entry["name"],
        kind=entry["kind"],
        key=entry["key"],
        status=ActionStatus(entry["status"]),
        reason=entry["reason"],
        duration_sec=entry["duration_sec"],
        detail=entry["detail"],
    )


def remediation_entry(
    *,
    workflow_id: str,
    first_run_id: str,
    alert: Alert,
    plan: Plan | None,
    rule: str,
    attempt: Attempt,
    decision: dict[str, Any] | None,
) -> LedgerAppend:
    """Return the one entry that every attempt leaves, whatever its outcome."""
    entry = {
        "type": KIND_REMEDIATION,
        "alert_key": alert.key,
        "workflow_id": workflow_id,
        "attempt": attempt.n,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "ran": attempt.ran,
        "started_at": rfc3339(attempt.started_at),
        "ended_at": rfc3339(attempt.ended_at),
        "alert": {"labels": alert.labels, "startsAt": alert.starts_at, "status": alert.status},
        "rule": rule or None,
        "mode": plan.mode if plan else None,
        "dry_run": plan.dry_run if plan else None,
        "target": plan.target if plan else None,
        "plan_digest": plan.digest if plan else None,
        "rules_digest": plan.rules_digest if plan else None,
        "decision": decision,
        "actions": [
            {name: result[name] for name in ("name", "kind", "key", "status", "reason")} for result in attempt.results
        ],
    }
    if attempt.verification is not None:
        entry["verification"] = attempt.verification
    idem = attempt_key(workflow_id, first_run_id, attempt.n) + "/auto_remediation"
    return LedgerAppend(idem, KIND_REMEDIATION, {"remediation": entry}, first_wins=True)
