"""Asking people: one request, who may answer it as time goes by, and its end."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

from lumen import names
from lumen.ballot import OverrideDecision
from lumen.outcome import Outcome, State
from lumen.plan import Plan
from lumen.quorum import Tally
from lumen.records import rfc3339
from lumen.showing import Note
from lumen.waiting import Due, Waiting
from workflows.live import CANCELLED_IN_TEMPORAL, ApprovalRequest, AskAgainError, AttemptEndedError, LiveEpisode
from workflows.telling import tell_human

MEMO_EDITION = 1
"""From this edition of the workers on the memo tells what an episode waits for."""

_LISTED = 200
_NAMED = 10


def open_request(live: LiveEpisode, plan: Plan, ask: int, undo_after: str = "") -> ApprovalRequest:
    """Open a request for approval of ``plan`` and show it; with ``undo_after``, why, it is about the plan's rollback."""
    approval = ApprovalRequest(
        id=names.approval_id(live.first_run_id, live.attempt, ask),
        plan=plan,
        waiting=Waiting.begun(plan.approval, workflow.now()),
        undoing=bool(undo_after),
        known=live.override if undo_after else None,
        cancel_known=live.cancel_noted,
    )
    live.approval = approval
    live.showing.begin()
    live.showing.say(Note.ASKED, attempt=live.attempt)
    live.enter(State.AWAITING_APPROVAL, f"roll back? {undo_after}" if undo_after else "")
    _note_in_memo(live, approval)
    return approval


async def wait_for_decision(live: LiveEpisode, approval: ApprovalRequest) -> Tally | None:
    """Wait for the end of ``approval``; return the tally that approved it, or None where an override or a timeout did.

    What ended it is looked at in a fixed order, whatever came first within one step: override, resolve, votes, plan.

    Raises:
        AttemptEndedError: cancelled, resolved, rejected or expired.
        AskAgainError: the rule changed, so the votes count for nothing.

    """
    await _until_over(live, approval)
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


async def wait_for_rollback(live: LiveEpisode, approval: ApprovalRequest) -> Tally | None:
    """Wait for the end of a request for a rollback; return the tally that decided it, or None where nobody did."""
    await _until_over(live, approval)
    approval.closed = True
    tally = approval.box.decision(approval.plan.approval)
    return tally if tally.status != "pending" else None


def stop_if_over(live: LiveEpisode) -> None:
    """End the attempt if a human stopped it or the alert is resolved.

    Raises:
        AttemptEndedError: cancelled or rejected by an override, cancelled in Temporal, or resolved.

    """
    override = live.override
    if override is not None and override.decision == OverrideDecision.CANCEL:
        raise AttemptEndedError(Outcome.CANCELLED, f"cancelled by {override.actor}: {override.reason}")
    if override is not None and override.decision == OverrideDecision.REJECT:
        raise AttemptEndedError(Outcome.REJECTED, f"rejected by override of {override.actor}: {override.reason}")
    if live.cancel_noted:
        raise AttemptEndedError(Outcome.CANCELLED, CANCELLED_IN_TEMPORAL)
    if live.resolved:
        raise AttemptEndedError(Outcome.RESOLVED, "the alert resolved before anything ran")


async def _until_over(live: LiveEpisode, approval: ApprovalRequest) -> None:
    """Wait until ``approval`` is decided or out of time; escalate, remind and extend on the way."""

    def over() -> bool:
        resolved = live.resolved and not approval.undoing
        stopped = live.override is not approval.known or live.cancel_noted is not approval.cancel_known
        return stopped or resolved or _decided(approval)

    while True:
        at, due = approval.waiting.next()
        if not await _until(over, at, due) and due is not Due.DEADLINE:
            _announce(live, approval, due)
            continue
        # A vote that came in time is judged to the end, even if no worker was there to do it before the deadline.
        await workflow.wait_condition(lambda: approval.judging == 0)
        if over():
            return
        if workflow.now() < approval.waiting.expires_at:
            continue  # what had decided was taken back by a vote that was being judged: there is time left
        if not approval.waiting.extends:
            return
        _extend(live, approval)


def _announce(live: LiveEpisode, approval: ApprovalRequest, due: Due) -> None:
    now = workflow.now()
    if due is Due.REMINDER:
        approval.waiting.remind(now)
        live.showing.say(Note.REMINDER, loud=True, minutes=_minutes(approval))
        return
    _say_escalated(live, approval, approval.waiting.escalate(now))


def _extend(live: LiveEpisode, approval: ApprovalRequest) -> None:
    people = approval.waiting.extend(workflow.now())
    if people:
        _say_escalated(live, approval, people)
    else:
        _note_in_memo(live, approval)
    text = f"nobody decided in time: everybody who may decide is asked until {rfc3339(approval.waiting.expires_at)}"
    tell_human(live, "approval_timed_out", text)
    live.refresh()


def _say_escalated(live: LiveEpisode, approval: ApprovalRequest, people: tuple[str, ...]) -> None:
    named = ", ".join(people[:_NAMED]) + (", …" if len(people) > _NAMED else "")
    live.showing.say(Note.ESCALATED, loud=True, minutes=_minutes(approval), people=named)
    _note_in_memo(live, approval)
    live.refresh()


def _minutes(approval: ApprovalRequest) -> int:
    """Return the time left in minutes, rounded up."""
    return math.ceil((approval.waiting.expires_at - workflow.now()).total_seconds() / 60)


def _note_in_memo(live: LiveEpisode, approval: ApprovalRequest) -> None:
    """Write what the episode waits for where a list of episodes can read it without asking each of them."""
    if live.edition < MEMO_EDITION:
        return
    rules, allow = approval.plan.approval, approval.waiting.allow(workflow.now())
    waiting = {
        "approval_id": approval.id,
        "expires_at": rfc3339(approval.waiting.expires_at),
        "allow": list(allow) if len(allow) <= _LISTED else None,
        "min_rank": rules.min_rank,
        "approve": rules.approve,
        "reject": rules.reject,
    }
    workflow.upsert_memo({"waiting": waiting})


def _decided(approval: ApprovalRequest) -> bool:
    if approval.plan_changed:
        return True
    return approval.box.decision(approval.plan.approval).status != "pending"


async def _until(condition: Callable[[], bool], at: datetime, due: Due) -> bool:
    """Wait until ``condition`` holds, at most until ``at``; return whether it does."""
    left = (at - workflow.now()).total_seconds()
    if left <= 0:
        return condition()
    try:
        await workflow.wait_condition(condition, timeout=left, timeout_summary=due.value)
    except TimeoutError:
        return condition()
    return True
