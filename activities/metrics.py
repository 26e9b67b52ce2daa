"""The worker's own counters, from an injected registry; every label set exists from the start at 0."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from activities.notification.methods import METHODS, OUTCOMES
from lumen.outcome import ActionStatus, Outcome, State
from rules.kinds import KINDS

APPROVAL_EVENTS = ("approve", "reject", "refused", "override")
DELIVERIES = ("started", "updated", "resolved", "not_open", "refused")
SOURCES = ("alertmanager", "grafana")


class WorkerMetrics:
    """Counters of what this worker did since it started."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        """Register all metrics in ``registry``."""
        self.approval_events = Counter(
            "lumen_approval_events_total",
            "Votes and overrides judged, by what they were.",
            ["action"],
            registry=registry,
        )
        self.approval_wait = Histogram(
            "lumen_approval_wait_seconds",
            "From the request for approval to a vote that counts.",
            buckets=(5, 15, 60, 300, 900, 1800, 3600, 14400),
            registry=registry,
        )
        self.episodes = Counter("lumen_episodes_total", "Episodes closed, by outcome.", ["outcome"], registry=registry)
        self.actions = Counter(
            "lumen_actions_total", "Actions ended, by outcome.", ["kind", "outcome"], registry=registry
        )
        self.action_seconds = Histogram(
            "lumen_action_duration_seconds",
            "How long actions took.",
            ["kind"],
            buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900),
            registry=registry,
        )
        self.delivered = Counter(
            "lumen_alerts_total", "Alerts handed to episodes by intakes.", ["source", "result"], registry=registry
        )
        Gauge("lumen_build_info", "The version that runs.", ["version"], registry=registry).labels(version).set(1)
        self.open = Gauge(
            "lumen_episodes_open",
            "Open episodes of the whole installation, by state; every worker counts the same, so take the maximum.",
            ["state"],
            registry=registry,
        )
        self.stuck = Gauge(
            "lumen_workflows_stuck",
            "Open workflows that the code of this worker cannot carry on; the build before it can.",
            registry=registry,
        )
        self.slack_requests = Counter(
            "lumen_slack_requests_total",
            "Calls to Slack by this worker, by what came of them.",
            ["method", "outcome"],
            registry=registry,
        )
        self._initialise()

    def _initialise(self) -> None:
        for event in APPROVAL_EVENTS:
            self.approval_events.labels(event)
        for state in State:
            self.open.labels(state)
        for outcome in Outcome:
            self.episodes.labels(outcome)
        for kind in KINDS:
            self.action_seconds.labels(kind)
            for status in ActionStatus:
                self.actions.labels(kind, status)
        for method in METHODS:
            for outcome in OUTCOMES:
                self.slack_requests.labels(method, outcome)
        for source in SOURCES:
            for result in DELIVERIES:
                self.delivered.labels(source, result)
