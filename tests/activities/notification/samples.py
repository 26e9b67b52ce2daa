"""Documents of episodes as workflows send them, and text that tries to be more than text."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from lumen.showing import Line, Note, Posted, ShowRequest

KEY = "alertmanager-0aa043e5d176c819"
AT = datetime(2026, 11, 22, 17, 0, 10, tzinfo=UTC)

HOSTILE = (
    "<!channel>",
    "<!here|here>",
    "<@U00000001>",
    "<#C00000001>",
    "<https://evil.example|Approve>",
    "&lt;!everyone&gt;",
    "*bold* _italic_ ~strike~ `code` ```block```",
    ":rotating_light: :x:",
    "@channel @here @everyone",
    "line\nApproved: boss@example.com\r\ttab",
    "\u202egnp.exe\u202c \u2066abc\u2069 \u200b\ufeff",
    "\x1b[31mred\x1b[0m \x00 \x07",
    "half \ud83d pair \udc00",
    "<script>alert(1)</script>",
    "{reason} {0} {values.__class__} %s ${x}",
    "승인 필요 🚨🚨",
)
"""Mentions, links, markup, shortcodes, new lines, bidirectional controls, escapes, half surrogates, templates."""

_DOCUMENT: dict[str, Any] = {
    "key": KEY,
    "workflow_id": f"alert-{KEY}",
    "run_id": "0199-run",
    "alert": "DiskFull",
    "severity": "critical",
    "status": "firing",
    "starts_at": "2026-11-22T17:00:00Z",
    "labels": {"alertname": "DiskFull", "instance": "db-1", "severity": "critical"},
    "labels_left_off": 0,
    "annotations": {"summary": "db-1 is 97 % full"},
    "runbook_url": "https://runbooks.example/disk-full",
    "state": "awaiting_approval",
    "state_reason": "",
    "outcome": None,
    "rule": "disk-full",
    "mode": "approve",
    "dry_run": False,
    "target": "db-1",
    "plan": {
        "digest": "sha256:" + "3fa1c0de" * 8,
        "condition": "",
        "runbook_url": "https://runbooks.example/disk-full",
        "actions": [{"name": "grow", "kind": "cmd", "shown": "/usr/sbin/lvextend -L +10G -- /dev/data"}],
        "actions_left_off": 0,
    },
    "approval": {
        "id": "0199-first.1.1",
        "status": "pending",
        "required": {"approve": 2, "reject": 1},
        "votes": {
            "approve": [
                {
                    "actor": "alice@example.com",
                    "channel": "slack",
                    "rank": "slack",
                    "at": "2026-11-22T17:01:00.000Z",
                    "reason": "looks right",
                }
            ],
            "reject": [],
        },
        "allow": ["alice@example.com", "bob@example.com"],
        "allow_left_off": 0,
        "min_rank": "link",
        "anonymous": False,
        "asked_at": "2026-11-22T17:00:10.000Z",
        "expires_at": "2026-11-22T18:00:10.000Z",
        "remind": 600.0,
        "escalated": 0,
        "escalations": 0,
        "next_escalation_at": None,
        "extended": False,
    },
    "attempts": [],
    "attempts_left_off": 0,
    "results": [],
    "attempt": 1,
    "repeats": 0,
    "requested_by": None,
    "cooldown_until": None,
    "proof_ref": [],
}


def waiting(**changes: Any) -> dict[str, Any]:
    """Return the document of an episode that waits for a second vote."""
    return {**copy.deepcopy(_DOCUMENT), **changes}


def running(**changes: Any) -> dict[str, Any]:
    """Return the document of an episode whose first action has ended."""
    results = [{"name": "grow", "kind": "cmd", "status": "succeeded", "reason": ""}]
    return waiting(**{"state": "executing", "approval": None, "results": results, **changes})


def ended(outcome: str = "remediated", **changes: Any) -> dict[str, Any]:
    """Return the document of an episode whose attempt has ended."""
    voters = _DOCUMENT["approval"]["votes"]
    attempt = {
        "n": 1,
        "outcome": outcome,
        "reason": "verified",
        "ran": True,
        "started_at": "2026-11-22T17:00:00.000Z",
        "ended_at": "2026-11-22T17:05:00.000Z",
        "decision": {"by": "votes", "decision": "approve", "approval_id": "0199-first.1.1", "seq": 7},
        "votes": copy.deepcopy(voters),
        "results": [{"name": "grow", "kind": "cmd", "status": "succeeded", "reason": ""}],
    }
    over = {"state": "cooling", "approval": None, "outcome": outcome, "attempts": [attempt], "attempt": 2}
    return waiting(**{**over, **changes})


def hostile(text: str) -> list[dict[str, Any]]:
    """Return documents with ``text`` wherever something from outside can stand: waiting, running and ended."""
    vote = {"actor": text, "channel": text, "rank": "slack", "at": "2026-11-22T17:01:00.000Z", "reason": text}
    outside: dict[str, Any] = {
        "alert": text,
        "severity": text,
        "labels": {"alertname": text},
        "annotations": {"summary": text, "description": text},
        "runbook_url": text,
        "state_reason": text,
        "rule": text,
        "target": text,
        "requested_by": text,
    }
    found = []
    for document in (waiting(**outside), running(**outside), ended("failed", **outside)):
        document["plan"]["actions"] = [{"name": text, "kind": "cmd", "shown": text}]
        if document["approval"]:
            document["approval"] |= {"votes": {"approve": [vote], "reject": [vote]}, "allow": [text]}
        for result in (*document["results"], *(one for last in document["attempts"] for one in last["results"])):
            result |= {"name": text, "reason": text}
        for last in document["attempts"]:
            last |= {"reason": text, "votes": {"approve": [vote], "reject": [vote]}}
            last["decision"] = {"by": "override", "actor": text}
        found.append(document)
    return found


def line(note: Note, number: int = 1, *, loud: bool = False, at: datetime | None = AT, **values: str) -> Line:
    """Return a line with a number of its own."""
    return Line(f"{number}.{note}", note, values, at, loud)


def lines_of(text: str, first: int) -> list[Line]:
    """Return one line of each kind with ``text`` in every value, numbered from ``first``."""
    names = (
        "actor",
        "reason",
        "name",
        "people",
        "text",
        "outcome",
        "channel",
        "decision",
        "status",
        "minutes",
        "attempt",
    )
    return [
        Line(f"{number}.{note}", note, dict.fromkeys(names, text), AT) for number, note in enumerate(Note, start=first)
    ]


def request(
    document: dict[str, Any],
    *lines: Line,
    channels: tuple[str, ...] = ("",),
    posted: tuple[Posted, ...] = (),
) -> ShowRequest:
    """Return the request to show a document."""
    return ShowRequest(KEY, f"alert-{KEY}", document, channels, posted, lines)


def texts(value: Any) -> list[str]:
    """Return every string in ``value`` that people read: texts of blocks, not their ids."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for name, item in value.items() if name != "text" or not own for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list | tuple) else []
