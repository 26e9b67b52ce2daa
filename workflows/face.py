"""What people who follow an episode are shown of it: its status document, cut to a size that any channel can carry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lumen.display import truncate
from workflows.presentation import status_document

if TYPE_CHECKING:
    from workflows.live import LiveEpisode

FACE_BYTES = 12_000

_ANNOTATIONS = ("summary", "description", "runbook_url", "reason")
_SCALES = (1.0, 0.5, 0.2, 0.05, 0.01)
_SHORT, _LONG = 200, 1000
_LABELS, _ACTIONS, _PEOPLE, _ATTEMPTS, _RESULTS, _PROOFS = 20, 10, 30, 3, 10, 10

Cut = Callable[[str, int], str]


def face(live: LiveEpisode) -> dict[str, Any]:
    """Return what a message about ``live`` says: the keys of its status document and a few more, at most :data:`FACE_BYTES`.

    Whatever comes from outside may be in it. Where it would be too large, every text is cut shorter.
    """
    document = status_document(live)
    for scale in _SCALES:
        shown = _face(live, document, scale)
        if len(json.dumps(shown)) <= FACE_BYTES:
            break
    return shown


def _face(live: LiveEpisode, document: dict[str, Any], scale: float) -> dict[str, Any]:
    def cut(text: str, limit: int) -> str:
        return truncate(text, max(8, int(limit * scale)))

    alert, plan, approval = live.episode.alert, document["plan"], document["approval"]
    many = scale == _SCALES[0]
    every = sorted(document["labels"].items())
    labels = {cut(name, _SHORT): cut(value, _SHORT) for name, value in every[: _LABELS if many else _LABELS // 2]}
    notes = document["annotations"]
    attempts = document["attempts"][-_ATTEMPTS:]
    same = ("state", "outcome", "mode", "dry_run", "repeats", "cooldown_until", "workflow_id", "run_id", "key")
    return {name: document[name] for name in same} | {
        "alert": cut(alert.name if alert else "", _SHORT),
        "severity": cut(alert.severity if alert else "", _SHORT),
        "status": document["status"],
        "starts_at": cut(document["starts_at"], _SHORT),
        "labels": labels,
        "labels_left_off": len(every) - len(labels),
        "annotations": {name: cut(notes[name], _LONG) for name in _ANNOTATIONS if notes.get(name)},
        "runbook_url": _runbook(document),
        "state_reason": cut(document["state_reason"], _LONG),
        "rule": _maybe(cut, document["rule"]),
        "target": _maybe(cut, document["target"]),
        "requested_by": _maybe(cut, document["requested_by"]),
        "plan": _plan(plan, cut) if plan else None,
        "approval": _approval(live, approval, cut) if approval else None,
        "attempts": [_attempt(attempt, cut) for attempt in attempts],
        "attempts_left_off": live.episode.attempts_ended - len(attempts),
        "attempt": live.attempt,
        "results": [_result(asdict(result), cut) for result in live.results[:_RESULTS]],
        "proof_ref": document["proof_ref"][-_PROOFS:],
    }


def _maybe(cut: Cut, text: str | None) -> str | None:
    return None if text is None else cut(text, _SHORT)


def _runbook(document: dict[str, Any]) -> str:
    """Return the address of the runbook, the rule's before the alert's; never half of one."""
    plan = document["plan"]
    for url in (plan["runbook_url"] if plan else "", document["annotations"].get("runbook_url", "")):
        if url.startswith(("https://", "http://")) and len(url.encode("utf-8", "replace")) <= _LONG:
            return str(url)
    return ""


def _plan(plan: dict[str, Any], cut: Cut) -> dict[str, Any]:
    actions = plan["actions"][:_ACTIONS]
    return {
        "digest": plan["digest"],
        "condition": cut(plan["condition"], _LONG),
        "runbook_url": cut(plan["runbook_url"], _LONG),
        "actions": [
            {"name": cut(action["name"], _SHORT), "kind": action["kind"], "shown": cut(action["shown"], _LONG)}
            for action in actions
        ],
        "actions_left_off": len(plan["actions"]) - len(actions),
    }


def _approval(live: LiveEpisode, approval: dict[str, Any], cut: Cut) -> dict[str, Any]:
    allow = approval["allow"][:_PEOPLE]
    over = live.approval is not None and live.approval.closed and approval["status"] == "pending"
    return {
        **approval,
        # Ended by an override, the deadline or a changed plan: there is nothing left to vote on.
        "status": "closed" if over else approval["status"],
        "votes": _votes(approval["votes"], cut),
        "allow": [cut(person, _SHORT) for person in allow],
        "allow_left_off": len(approval["allow"]) - len(allow),
    }


def _votes(votes: dict[str, list[dict[str, str]]], cut: Cut) -> dict[str, list[dict[str, str]]]:
    return {
        side: [
            {**vote, "actor": cut(vote["actor"], _SHORT), "reason": cut(vote["reason"], _SHORT)}
            for vote in cast[:_PEOPLE]
        ]
        for side, cast in votes.items()
    }


def _attempt(attempt: dict[str, Any], cut: Cut) -> dict[str, Any]:
    decision = attempt["decision"]
    same = ("n", "outcome", "ran", "started_at", "ended_at")
    return {name: attempt[name] for name in same} | {
        "reason": cut(attempt["reason"], _LONG),
        "decision": {
            name: cut(value, _SHORT) if isinstance(value, str) and name != "approval_id" else value
            for name, value in decision.items()
        }
        if decision
        else None,
        "votes": _votes(attempt["votes"], cut),
        "results": [_result(result, cut) for result in attempt["results"][:_RESULTS]],
    }


def _result(result: dict[str, Any], cut: Cut) -> dict[str, Any]:
    return {
        "name": cut(result["name"], _SHORT),
        "kind": result["kind"],
        "status": str(result["status"]),
        "reason": cut(result["reason"], _SHORT),
    }
