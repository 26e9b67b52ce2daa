"""Asking people: one request, one vote box, one deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from lumen import names
from lumen.ballot import Ballot, Decision, OverrideDecision
from lumen.contracts import Planning
from lumen.errors import BallotError
from lumen.messages import Admission, AdmitRequest
from lumen.outcome import Outcome, State
from lumen.plan import Plan
from lumen.quorum import Tally, Vote
from lumen.records import override_entry
from workflows import ledger, options
from workflows.live import ApprovalRequest, AskAgainError, AttemptEndedError, LiveEpisode, Override
from workflows.presentation import tally_document


def open_request(live: LiveEpisode, plan: Plan, ask: int) -> ApprovalRequest:
    """Open a request for approval of ``plan`` and show it."""
    now = workflow.now()
    approval = ApprovalRequest(
        id=names.approval_id(live.first_run_id, live.attempt, ask),
        plan=plan,
        asked_at=now,
        expires_at=now + timedelta(seconds=plan.approval.timeout),
    )
    live.approval = approval
    live.enter(State.AWAITING_APPROVAL)
    return approval


async def wait_for_decision(live: LiveEpisode, approval: ApprovalRequest) -> Tally | None:
    """Wait for the end of ``approval``; return the tally that approved it, or None where an override or a timeout did.

    What ended it is looked at in a fixed order, whatever came first within one step: override, resolve, votes, plan.

    Raises:
        AttemptEndedError: cancelled, resolved, rejected or expired.
        AskAgainError: the rule changed, so the votes count for nothing.

    """
    await _until(lambda: live.override is not None or live.resolved or _decided(approval), approval.expires_at)
    # A vote that came in time is judged to the end, even if no worker was there to do it before the deadline.
    await workflow.wait_condition(lambda: approval.judging == 0)
    approval.closed = True
    stop_if_over(live)
    if live.override is not None:
        return None
    tally = approval.box.decision(approval.plan.approval)
    if tally.status != "pending":
        return tally
    if approval.plan_changed:
        raise AskAgainError
    if approval.plan.approval.on_timeout == "approve":
        return None
    raise AttemptEndedError(Outcome.EXPIRED, "nobody decided in time")


def stop_if_over(live: LiveEpisode) -> None:
    """End the attempt if a human stopped it or the alert is resolved.

    Raises:
        AttemptEndedError: cancelled or rejected by an override, or resolved.

    """
    override = live.override
    if override is not None and override.decision == OverrideDecision.CANCEL:
        raise AttemptEndedError(Outcome.CANCELLED, f"cancelled by {override.actor}: {override.reason}")
    if override is not None and override.decision == OverrideDecision.REJECT:
        raise AttemptEndedError(Outcome.REJECTED, f"rejected by override of {override.actor}: {override.reason}")
    if live.resolved:
        raise AttemptEndedError(Outcome.RESOLVED, "the alert resolved before anything ran")


def check_open(live: LiveEpisode, ballot: Ballot) -> ApprovalRequest:
    """Return the open request that ``ballot`` is for; an empty ``approval_id`` means whatever is open.

    Raises:
        BallotError: ``closed`` or ``plan_changed``.

    """
    approval = live.approval
    if approval is None or approval.closed:
        raise BallotError("closed", f"nothing waits for a vote: the episode is {live.state}")
    if ballot.approval_id and ballot.approval_id != approval.id:
        raise BallotError("closed", "this request for approval is closed; the episode asks anew")
    if approval.plan_changed or (ballot.digest and ballot.digest != approval.plan.digest):
        raise BallotError("plan_changed", "the plan changed since it was shown: look at it again and vote anew")
    return approval


async def count_vote(live: LiveEpisode, ballot: Ballot) -> dict[str, Any]:
    """Judge and count one vote; return the tally. Votes are bound to the request that was open when they arrived.

    Raises:
        BallotError: the vote does not count; ``reason`` says why.

    """
    approval = check_open(live, ballot)
    if not approval.box.counted(ballot.id):
        approval.judging += 1
        try:
            admission = await judge(live, ballot, "vote", approval.plan)
        finally:
            approval.judging -= 1
        if not admission.ok:
            raise BallotError(admission.refusal, admission.message)
        if check_open(live, ballot) is not approval:
            raise BallotError("closed", "this request for approval is closed; the episode asks anew")
        if admission.plan_digest != approval.plan.digest:
            approval.plan_changed = True
            raise BallotError("plan_changed", "the rule changed since it was asked about: the episode asks anew")
        approval.box.cast(_vote(ballot, admission))
        live.refresh()
    return {"decision": Decision(ballot.decision), **tally_document(approval, workflow.now())}


async def admit_override(live: LiveEpisode, ballot: Ballot) -> Override:
    """Judge an override and write it into the ledger, before it has any effect.

    Raises:
        BallotError: it is not allowed.
        AttemptEndedError: the ledger refuses it.

    """
    admission = await judge(live, ballot, "override", None)
    if not admission.ok:
        raise BallotError(admission.refusal, admission.message)
    recorded = {
        "decision": ballot.decision,
        "actor": admission.actor,
        "channel": admission.channel,
        "rank": admission.rank,
        "reason": ballot.reason,
        "state": str(live.state),
    }
    at = workflow.now()
    seq = await ledger.append(live, override_entry(live.workflow_id, live.key, recorded, at), shown=False)
    return Override(ballot.decision, admission.actor, admission.channel, ballot.reason, seq, at, ballot.digest)


async def record_clearing(live: LiveEpisode, actor: str, reason: str) -> None:
    """Write into the ledger who ended a cooldown. Raises :class:`AttemptEndedError` when the ledger refuses."""
    recorded = {
        "decision": "clear_cooldown",
        "actor": actor,
        "channel": "signal",
        "reason": reason,
        "state": str(live.state),
    }
    await ledger.append(live, override_entry(live.workflow_id, live.key, recorded, workflow.now()), shown=False)


async def judge(live: LiveEpisode, ballot: Ballot, kind: str, plan: Plan | None) -> Admission:
    """Ask the worker who cast ``ballot`` and whether that person may."""
    if live.episode.alert is None:
        raise BallotError("closed", "no alert has come yet, so there is nothing to decide")
    return await workflow.execute_local_activity_method(
        Planning.admit,
        AdmitRequest(
            ballot=ballot,
            kind=kind,
            alert=live.episode.alert,
            workflow_id=live.workflow_id,
            allow=plan.approval.allow if plan else (),
            min_rank=plan.approval.min_rank if plan else "",
        ),
        **options.judgement(),
    )


def _vote(ballot: Ballot, admission: Admission) -> Vote:
    now = workflow.now()
    return Vote(
        actor=admission.actor,
        decision=ballot.decision,
        channel=admission.channel,
        rank=admission.rank,
        # Nobody votes in the future: a clock that runs ahead must not keep a vote alive beyond its window.
        at=min(admission.at or now, now),
        reason=ballot.reason,
        id=ballot.id,
    )


def _decided(approval: ApprovalRequest) -> bool:
    if approval.plan_changed:
        return True
    return approval.box.decision(approval.plan.approval).status != "pending"


async def _until(condition: Callable[[], bool], deadline: datetime) -> None:
    left = (deadline - workflow.now()).total_seconds()
    if left <= 0:
        return
    try:
        await workflow.wait_condition(condition, timeout=left, timeout_summary="approval deadline")
    except TimeoutError:
        return
