"""Was every vote that was acknowledged counted, and counted once? (classes ``vote_lost`` and ``vote_doubled``)"""

from __future__ import annotations

from typing import Any

from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.reading import instant, number, rows, table, text, whole
from tests.chaos.checking.report import Report
from tests.chaos.checking.trial import person

SIDES = ("approve", "reject")
_STAMP_SECONDS = 0.002
"""Slack stamps a click to the microsecond; times in a tally are exact to the millisecond."""


def check_voting(evidence: Evidence, report: Report) -> None:
    """Judge the votes that were sent against every tally there is."""
    _check_tallies(evidence, report)
    for vote in evidence.votes:
        report.count("votes")
        report.count(f"votes_by_{_way(vote)}")
        status = whole(vote, "status")
        if status == 200:
            report.count("votes_counted")
            report.count(f"votes_counted_by_{_way(vote)}")
            _check_counted(vote, evidence, report)
        elif status == 202:
            report.count("votes_recorded")


def _tallies(evidence: Evidence) -> list[tuple[str, str, dict[str, Any]]]:
    """Return every tally as (episode, where it stands, tally)."""
    decisions = evidence.ledger.of_kind("approval_quorum_decision")
    found = [(text(entry.data, "alert_key"), f"entry {entry.seq}", table(entry.data, "voters")) for entry in decisions]
    for key, alert in evidence.alerts.items():
        found.append((key, "the open request in alerts.json", table(alert, "approval", "votes")))
        found += [
            (key, f"attempt {whole(attempt, 'n')} in alerts.json", table(attempt, "votes"))
            for attempt in rows(alert, "attempts")
        ]
    for vote in evidence.votes:
        if whole(vote, "status") == 200:
            where = f"the answer to the vote at {number(vote, 'at')}"
            found.append((text(vote, "key"), where, table(vote, "answer", "votes")))
    return found


def _check_tallies(evidence: Evidence, report: Report) -> None:
    for key, where, tally in _tallies(evidence):
        seen: dict[str, int] = {}
        for side in SIDES:
            for vote in rows(tally, side):
                name = person(text(vote, "actor"))
                seen[name] = seen.get(name, 0) + 1
        for name, times in sorted(seen.items()):
            if times > 1:
                report.add("vote_doubled", key, f"{name} stands {times} times in the votes of {where}")
            if name in evidence.trial.outside:
                report.add("unproven", key, f"{name}, who may not vote, stands in the votes of {where}")
    for vote in evidence.votes:
        _check_status(vote, evidence, report)


def _check_status(vote: dict[str, Any], evidence: Evidence, report: Report) -> None:
    """An answer says ``approved`` only if enough different people approved."""
    key = text(vote, "key")
    rule = evidence.trial.rule_of(key)
    if rule is None or whole(vote, "status") != 200 or text(vote, "answer", "status") != "approved":
        return
    people = {person(text(item, "actor")) for item in rows(vote, "answer", "votes", "approve")}
    if len(people) < rule.approve:
        told = f"the vote of {text(vote, 'actor')} at {number(vote, 'at')} made it approved by {len(people)} of {rule.approve}"
        report.add("vote_doubled", key, f"{told}: {', '.join(sorted(people))}")


def _check_counted(vote: dict[str, Any], evidence: Evidence, report: Report) -> None:
    """A vote answered 200 stands in its answer, and in the end in a decision or a tally, unless the person changed it.

    Who votes in Slack is told in words that it is recorded: the tally stands elsewhere, with the time of the click.
    """
    key, name, side = text(vote, "key"), person(text(vote, "actor")), text(vote, "decision")
    told = f"{name} voted {side} at {number(vote, 'at')} ({text(vote, 'reason')!r}) and got 200"
    own = [item for item in rows(vote, "answer", "votes", side) if person(text(item, "actor")) == name]
    if not own and _way(vote) != "slack":
        report.add("vote_lost", key, f"{told}, but stands not in the tally of the answer")
        return
    if _changed_later(vote, evidence):
        return
    when = instant(own[-1].get("at")) if own else number(vote, "stamp")
    for place, where, tally in _tallies(evidence):
        if place != key or where.startswith("the answer"):
            continue
        for item in rows(tally, side):
            if person(text(item, "actor")) == name and _same(item, vote, when):
                return
    if evidence.trial.cancelled(key):
        report.count("votes_of_cancelled_episodes")
        return
    excused = evidence.trial.forgets(number(vote, "at"), number(vote, "until"))
    report.judge("vote_lost", key, f"{told}, but is in no decision and in no tally", excused=excused)


def _way(vote: dict[str, Any]) -> str:
    return text(vote, "way") or "api"


def _same(item: dict[str, Any], vote: dict[str, Any], when: float | None) -> bool:
    """Return whether what stands in a tally is this vote, which was cast at ``when``, seconds since the epoch."""
    if text(item, "reason") == text(vote, "reason"):
        return True
    at = instant(item.get("at"))
    if _way(vote) == "slack":
        return at is not None and when is not None and abs(at - when) <= _STAMP_SECONDS
    return at == when or when is None or at is None


def _changed_later(vote: dict[str, Any], evidence: Evidence) -> bool:
    """Return whether the same person voted again about the same alert, and may have been heard."""
    sent = number(vote, "at") or 0.0
    for other in evidence.votes:
        same = text(other, "key") == text(vote, "key") and person(text(other, "actor")) == person(text(vote, "actor"))
        status = whole(other, "status")
        if (
            same
            and other is not vote
            and (number(other, "at") or 0.0) > sent
            and (status is None or not 300 <= status < 500)
        ):
            return True
    return False
