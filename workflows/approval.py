"""Votes and overrides on what is asked: who may, and what counts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from lumen.admission import Electorate, objection
from lumen.ballot import Ballot, Decision
from lumen.contracts import Planning
from lumen.errors import BallotError
from lumen.links import ANONYMOUS
from lumen.messages import Admission, AdmitRequest
from lumen.quorum import Vote
from lumen.records import override_entry
from lumen.showing import Note
from workflows import ledger, options
from workflows.live import ApprovalRequest, LiveEpisode, Override
from workflows.presentation import tally_document
from workflows.quick import quick

JUDGING_EDITION = 2
"""From this edition of the workers on a vote of before the request, and the many-th of one person, count for nothing."""

VOTES_OF_ONE = 20
"""How often one person may vote on one request. A history holds some 50,000 events, and each vote takes about eight."""

_LINK = "link"
_PRECISION = timedelta(milliseconds=1)  # the time of a vote is cut to milliseconds


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


def check_unused(approval: ApprovalRequest, ballot: Ballot) -> None:
    """Let one link vote once; the same ballot, delivered again, is the same vote.

    Raises:
        BallotError: ``used``.

    """
    if approval.used.get(_jti(ballot), _ballot_id(ballot)) != _ballot_id(ballot):
        raise BallotError("used", "Link already used")


def check_patience(live: LiveEpisode, approval: ApprovalRequest, ballot: Ballot) -> None:
    """Let one person vote so often on one request and no more: each vote takes room in a history that is bounded.

    Raises:
        BallotError: ``too_many``.

    """
    if live.edition >= JUDGING_EDITION and approval.cast.get(ballot.actor, 0) >= VOTES_OF_ONE:
        raise BallotError(
            "too_many", f"{ballot.actor} has voted {VOTES_OF_ONE} times on this request: the last one stands"
        )


def check_allowed(live: LiveEpisode, approval: ApprovalRequest, ballot: Ballot) -> None:
    """Refuse a signed vote that no worker could admit either, before it takes room in a history that is bounded.

    What names no address, or is not signed, is for the worker: it knows the people behind other names, and the keys.

    Raises:
        BallotError: ``not_allowed`` or ``rank_too_low``.

    """
    if not ballot.auth or ("@" not in ballot.actor and ballot.actor != ANONYMOUS):
        return
    rules, alert = approval.plan.approval, live.episode.alert
    voters = Electorate(
        allow=approval.waiting.allow(workflow.now()),
        min_rank=rules.min_rank,
        anonymous=rules.anonymous,
        barred=rules.barred,
        requesters=alert.requesters if alert else (),
    )
    wrong = objection(ballot.actor, ballot.channel, ballot.rank, voters)
    if wrong is not None:
        raise BallotError(wrong.reason, wrong.message)


async def count_vote(live: LiveEpisode, ballot: Ballot) -> dict[str, Any]:
    """Judge and count one vote; return the tally. Votes are bound to the request that was open when they arrived.

    Raises:
        BallotError: the vote does not count; ``reason`` says why.

    """
    approval = check_open(live, ballot)
    if not approval.box.counted(ballot.id):
        check_patience(live, approval, ballot)
        with _link_in_use(approval, ballot):
            await _count(live, approval, ballot)
    return {"decision": Decision(ballot.decision), **tally_document(approval, workflow.now())}


async def _count(live: LiveEpisode, approval: ApprovalRequest, ballot: Ballot) -> None:
    approval.judging += 1
    try:
        admission = await judge(live, ballot, "vote", approval)
    finally:
        approval.judging -= 1
    if admission.ok or (ballot.auth and admission.refusal != "forged"):  # nobody uses up the votes of another
        approval.cast[ballot.actor] = approval.cast.get(ballot.actor, 0) + 1
    if not admission.ok:
        raise BallotError(admission.refusal, admission.message)
    _check_cast_since(live, approval, ballot, admission)
    if check_open(live, ballot) is not approval:
        raise BallotError("closed", "this request for approval is closed; the episode asks anew")
    if admission.plan_digest != approval.plan.digest:
        approval.plan_changed = True
        raise BallotError("plan_changed", "the rule changed since it was asked about: the episode asks anew")
    check_unused(approval, ballot)
    vote = _vote(ballot, admission)
    if approval.box.cast(vote):
        live.showing.say(Note.VOTE, actor=vote.actor, decision=vote.decision, channel=vote.channel, reason=vote.reason)
    live.showing.changed()
    live.refresh()


def _check_cast_since(live: LiveEpisode, approval: ApprovalRequest, ballot: Ballot, admission: Admission) -> None:
    """Refuse a signed vote that names no request and was cast before this one: sent again, it would vote on what came later.

    Raises:
        BallotError: ``closed``.

    """
    if live.edition < JUDGING_EDITION or ballot.approval_id or admission.at is None:
        return
    if admission.at + _PRECISION <= approval.waiting.asked_at:
        raise BallotError("closed", "this vote was cast before the episode asked: look at it again and vote anew")


@contextlib.contextmanager
def _link_in_use(approval: ApprovalRequest, ballot: Ballot) -> Iterator[None]:
    """Use up the link of ``ballot`` before it is judged: of two at once one counts. A vote that is refused gives it back."""
    check_unused(approval, ballot)
    jti = _jti(ballot)
    if jti:
        approval.used[jti] = _ballot_id(ballot)
    try:
        yield
    except (BallotError, FailureError):
        # The same ballot may have been delivered twice, and have counted the other time.
        if jti and not any(known == ballot.id for _, known in approval.box.seen):
            approval.used.pop(jti, None)
        raise


def _jti(ballot: Ballot) -> str:
    """Return what makes the link of ``ballot`` countable; what somebody typed without a signature uses up no link."""
    return ballot.jti if ballot.auth and ballot.channel == _LINK else ""


def _ballot_id(ballot: Ballot) -> str:
    return ballot.id or ballot.auth


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
    live.showing.begin()
    live.showing.say(Note.OVERRIDE, loud=True, actor=admission.actor, decision=ballot.decision, reason=ballot.reason)
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


async def judge(live: LiveEpisode, ballot: Ballot, kind: str, approval: ApprovalRequest | None) -> Admission:
    """Ask the worker who cast ``ballot`` and whether that person may now."""
    if live.episode.alert is None:
        raise BallotError("closed", "no alert has come yet, so there is nothing to decide")
    rules = approval.plan.approval if approval else None
    return await quick(
        Planning.admit,
        AdmitRequest(
            ballot=ballot,
            kind=kind,
            alert=live.episode.alert,
            workflow_id=live.workflow_id,
            allow=approval.waiting.allow(workflow.now()) if approval else (),
            min_rank=rules.min_rank if rules else "",
            anonymous=rules.anonymous if rules else False,
            barred=rules.barred if rules else (),
        ),
        options.judgement(),
        summary=f"judge: {kind}",
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
