"""Alerts, plans, votes and attempts that the tests of the pure core share. Times count in seconds from ``NOW``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lumen.alert import Alert, AlertStatus
from lumen.episode import Attempt
from lumen.outcome import Outcome
from lumen.plan import Approval, Limits, Mode, Plan, PlannedAction
from lumen.quorum import Vote

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STARTED = "2026-03-01T11:00:00Z"


def at(seconds: float) -> datetime:
    """Return the moment ``seconds`` after ``NOW``."""
    return NOW + timedelta(seconds=seconds)


def firing(received: float = 0, starts_at: str = STARTED) -> Alert:
    """Return a firing notification."""
    return Alert(
        source="alertmanager",
        fingerprint="0123456789abcdef",
        labels={"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
        annotations={"summary": "the disk is full"},
        received_at=at(received),
        starts_at=starts_at,
    )


def resolved(received: float = 0, starts_at: str = STARTED) -> Alert:
    """Return a resolved notification of the same alert."""
    fired = firing(received, starts_at)
    return Alert(
        source=fired.source,
        fingerprint=fired.fingerprint,
        labels=fired.labels,
        annotations=fired.annotations,
        received_at=fired.received_at,
        starts_at=starts_at,
        status=AlertStatus.RESOLVED,
    )


def plan(cooldown: float = 600.0, attempts: int = 3, stale_after: float = 26 * 3600.0) -> Plan:
    """Return a sealed plan with one command and one call."""
    return Plan(
        rule="disk-full",
        mode=Mode.APPROVE,
        dry_run=False,
        target="db-1",
        severity="critical",
        condition="up == 0",
        actions=(
            PlannedAction("grow", "cmd", {"argv": ["/usr/sbin/lvextend", "-L", "+10G"]}),
            PlannedAction(
                "tell",
                "http",
                {
                    "method": "POST",
                    "url": "https://robot:hunter2@cmdb.example.com/hosts/db-1?token=hunter2",
                    "headers": {"Authorization": "Bearer hunter2"},
                    "json": {"grown": True},
                },
            ),
        ),
        approval=Approval(approve=2, allow=("alice@example.com", "bob@example.com")),
        cooldown=cooldown,
        limits=Limits(attempts=attempts, stale_after=stale_after),
    ).sealed("sha256:rules")


def vote(actor: str, decision: str = "approve", seconds: float = 0, vote_id: str = "") -> Vote:
    """Return a vote cast ``seconds`` after ``NOW``."""
    return Vote(actor, decision, "link", "link", at(seconds), reason="because", id=vote_id)


def attempt(outcome: Outcome, n: int = 1, ended: float = 0) -> Attempt:
    """Return an attempt that took ten seconds and ended ``ended`` seconds after ``NOW``."""
    return Attempt(n, outcome, at(ended - 10), at(ended), "as the test says")
