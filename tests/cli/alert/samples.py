"""Documents of episodes for the tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lumen.records import rfc3339

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "request-0aa043e5d176c819"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def time(minutes: float) -> str:
    """Return the moment so many minutes after ``NOW``, as documents have it."""
    return rfc3339(NOW + timedelta(minutes=minutes))


def vote(actor: str, minutes: float = -2, reason: str = "") -> dict[str, Any]:
    """Return a vote."""
    return {"actor": actor, "channel": "token", "rank": "token", "at": time(minutes), "reason": reason}


def attempt(n: int = 1, outcome: str = "failed", **changes: Any) -> dict[str, Any]:
    """Return an ended attempt with one action that failed and printed something."""
    captured = {"head": "growing\nextent 1\n", "tail": "", "bytes": 17, "sha256": "00", "truncated": False}
    failed = {"head": "", "tail": "", "bytes": 0, "sha256": "00", "truncated": False}
    result = {
        "name": "grow",
        "kind": "cmd",
        "key": f"alert-{KEY}/run/{n}/grow",
        "status": "failed",
        "reason": "exit code 3",
        "duration_sec": 1.25,
        "detail": {"exit_code": 3, "signal": None, "stdout": captured, "stderr": {**failed, "head": "no space\n"}},
    }
    return {
        "n": n,
        "outcome": outcome,
        "reason": "grow: exit code 3",
        "ran": True,
        "started_at": time(-30),
        "ended_at": time(-25),
        "decision": {"by": "votes", "decision": "approve", "approval_id": "run.1.1", "seq": 4},
        "votes": {"approve": [vote("bob@example.com", -29, "looks right")], "reject": []},
        "results": [result],
        **changes,
    }


def asking(**changes: Any) -> dict[str, Any]:
    """Return the document of an episode that waits for one more of three people, after one failed attempt."""
    return {
        "key": KEY,
        "source": "request",
        "labels": {"alertname": "DiskFull", "instance": "host1:9100", "requested_by": "alice@example.com"},
        "annotations": {"reason": "before the release"},
        "starts_at": time(-31),
        "status": "firing",
        "state": "awaiting_approval",
        "state_reason": "",
        "outcome": "failed",
        "rule": "disk-full",
        "mode": "approve",
        "dry_run": False,
        "target": "host1:9100",
        "requested_by": "alice@example.com",
        "plan": {
            "digest": DIGEST,
            "condition": 'node_filesystem_avail_bytes{instance="host1:9100"} < 5e9',
            "runbook_url": "",
            "actions": [{"name": "grow", "kind": "cmd", "shown": "/usr/sbin/lvextend -L +10G /dev/vg0/data"}],
        },
        "approval": {
            "id": "run.2.1",
            "status": "pending",
            "required": {"approve": 2, "reject": 1},
            "votes": {"approve": [vote("bob@example.com")], "reject": []},
            "allow": ["alice@example.com", "bob@example.com", "carol@example.com"],
            "asked_at": time(-3),
            "expires_at": time(41.5),
        },
        "attempts": [attempt()],
        "repeats": 2,
        "cooldown_until": None,
        "proof_ref": [4, 5, 6, 7],
        "workflow_id": f"alert-{KEY}",
        "run_id": "3480590f-98fd-4e57-802d-2a4809dd6160",
        "open": True,
        "run_status": "running",
        **changes,
    }


def row(key: str = KEY, **changes: Any) -> dict[str, Any]:
    """Return an episode as a list has it."""
    return {
        "key": key,
        "workflow_id": f"alert-{key}",
        "state": "awaiting_approval",
        "outcome": None,
        "rule": "disk-full",
        "alert": "DiskFull",
        "severity": "critical",
        "target": "host1:9100",
        "labels": {},
        "status": "running",
        "started_at": time(-31),
        "closed_at": None,
        **changes,
    }
