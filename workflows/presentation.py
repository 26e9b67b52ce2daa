"""How an episode looks from outside: the status document, and the Markdown that the Temporal UI shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from temporalio import workflow

from lumen.ballot import Decision
from lumen.display import markdown_code, truncate
from lumen.episode import Attempt, cooldown_of
from lumen.outcome import State
from lumen.plan import Plan, PlannedAction
from lumen.records import rfc3339, voter
from rules.aftercare import verify_line
from rules.kinds import action_line

if TYPE_CHECKING:
    from workflows.live import ApprovalRequest, LiveEpisode

_DETAILS_BYTES = 15_000
_REASON_BYTES = 2_000
_KEPT_REASON_BYTES = 200
_COOLED = {State.COOLING, State.WATCHING}


def status_document(live: LiveEpisode) -> dict[str, Any]:
    """Return the state of an episode as JSON: the shape of ``GET /alerts/{key}``. Times are RFC 3339 UTC."""
    episode = live.episode
    alert = episode.alert
    plan = episode.plan
    return {
        "key": live.key,
        "source": alert.source if alert else "",
        "fingerprint": alert.fingerprint if alert else "",
        "labels": alert.labels if alert else {},
        "annotations": alert.annotations if alert else {},
        "starts_at": alert.starts_at if alert else "",
        "status": alert.status if alert else "",
        "state": live.state,
        "state_reason": live.reason,
        "outcome": episode.outcome,
        "rule": plan.rule if plan else None,
        "mode": plan.mode if plan else None,
        "dry_run": plan.dry_run if plan else None,
        "target": plan.target if plan else None,
        "plan": _plan(plan) if plan else None,
        "approval": _approval(live.approval, workflow.now()) if live.approval else None,
        "attempts": [_attempt(attempt) for attempt in episode.attempts],
        "repeats": episode.repeats,
        "requested_by": alert.requester or None if alert else None,
        "cooldown_until": _cooldown_until(live),
        "proof_ref": episode.proof_refs,
        "workflow_id": live.workflow_id,
        "run_id": live.run_id,
    }


def tally_document(approval: ApprovalRequest, now: datetime) -> dict[str, Any]:
    """Return the votes on a request as the answer to a vote: the shape of ``POST /decision``."""
    decided = approval.box.decision(approval.plan.approval)
    tally = decided if decided.status != "pending" else approval.box.tally(approval.plan.approval, now)
    return {
        "status": tally.status,
        "votes": {
            "approve": [voter(vote) for vote in tally.approve],
            "reject": [voter(vote) for vote in tally.reject],
        },
        "required": {"approve": approval.plan.approval.approve, "reject": approval.plan.approval.reject},
    }


def kept_votes(approval: ApprovalRequest) -> dict[str, list[dict[str, str]]]:
    """Return who had voted on a request that is over, as an ended attempt remembers it: reasons cut, the ledger has them.

    Every vote that was cast is there, those that had lapsed too.
    """
    cast = sorted(approval.box.votes.values(), key=lambda vote: (vote.at, vote.actor))
    return {
        str(side): [
            {**voter(vote), "reason": truncate(vote.reason, _KEPT_REASON_BYTES)}
            for vote in cast
            if vote.decision == side
        ]
        for side in Decision
    }


def details(document: dict[str, Any]) -> str:
    """Return a status document as the Markdown that the Temporal UI shows as current details."""
    # A reason may quote a label, a voter or a program, so it is no more Markdown than they are.
    reason = f": {markdown_code(document['state_reason'], _REASON_BYTES)}" if document["state_reason"] else ""
    lines = [f"**{document['state']}**{reason}"]
    if document["rule"]:
        lines.append(f"Rule {markdown_code(document['rule'], 200)} on {markdown_code(document['target'], 200)}")
    if document["outcome"]:
        lines.append(f"Last outcome: **{document['outcome']}**, {len(document['attempts'])} attempt(s)")
    approval = document["approval"]
    if approval:
        required, votes = approval["required"], approval["votes"]
        lines.append(
            f"Votes: {len(votes['approve'])} of {required['approve']} to approve, "
            f"{len(votes['reject'])} of {required['reject']} to reject, until {approval['expires_at']}"
        )
        lines += [f"- {side}: {markdown_code(vote['actor'], 254)}" for side, cast in votes.items() for vote in cast]
    if document["plan"]:
        lines += [
            f"- {markdown_code(action['name'], 200)}: {markdown_code(action['shown'], 1000)}"
            for action in document["plan"]["actions"]
        ]
    if document["cooldown_until"]:
        lines.append(f"Cools until {document['cooldown_until']}")
    lines.append(f"Heard {document['repeats'] + 1} time(s). Alert is {document['status']}.")
    return truncate("\n\n".join(lines), _DETAILS_BYTES)


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "digest": plan.digest,
        "rules_digest": plan.rules_digest,
        "condition": plan.condition,
        "runbook_url": plan.runbook_url,
        "verify": verify_line(plan.verify) if plan.verify else None,
        "actions": [_action(action) for action in plan.actions],
    }


def _action(action: PlannedAction) -> dict[str, Any]:
    return {
        "name": action.name,
        "kind": action.kind,
        "shown": action_line(action),
        "spec": action.spec,
        "timeout": action.timeout,
        "idempotent": action.idempotent,
        "rollback": action_line(action.undo) if action.undo else None,
    }


def _approval(approval: ApprovalRequest, now: datetime) -> dict[str, Any]:
    document = tally_document(approval, now)
    rules, waiting = approval.plan.approval, approval.waiting
    later = waiting.next_escalation()
    return {
        "id": approval.id,
        "about": "rollback" if approval.undoing else "actions",
        "status": document["status"],
        "required": document["required"],
        "votes": document["votes"],
        "allow": list(waiting.allow(now)),
        "min_rank": rules.min_rank,
        "anonymous": rules.anonymous,
        "asked_at": rfc3339(waiting.asked_at),
        "expires_at": rfc3339(waiting.expires_at),
        "remind": rules.remind,
        "escalated": len(waiting.levels(now)),
        "escalations": len(rules.escalate),
        "next_escalation_at": rfc3339(later) if later else None,
        "extended": waiting.extended,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "n": attempt.n,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "ran": attempt.ran,
        "started_at": rfc3339(attempt.started_at),
        "ended_at": rfc3339(attempt.ended_at),
        "decision": attempt.decision,
        "votes": {str(side): attempt.votes.get(side, []) for side in Decision},
        "results": list(attempt.results),
        "verification": attempt.verification,
    }


def _cooldown_until(live: LiveEpisode) -> str | None:
    if live.state not in _COOLED or not live.episode.attempts or live.episode.cooldown_cleared:
        return None
    return rfc3339(live.episode.attempts[-1].ended_at + timedelta(seconds=cooldown_of(live.episode)))
