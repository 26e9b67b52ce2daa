"""What the HTTP edge counts; every label set is bounded and starts at 0."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.slack.outcomes import Outcome
from lumen.alert import SOURCE_REQUEST
from lumen.ballot import Decision, OverrideDecision

SOURCES = ("alertmanager", "grafana", SOURCE_REQUEST)
_CODES = ("202", "400", "401", "403", "405", "408", "413", "500", "503")
_ACTIONS = (*Decision, *(f"override_{decision}" for decision in OverrideDecision))


class Result(StrEnum):
    """What became of one alert of a notification."""

    STARTED = "started"
    UPDATED = "updated"
    RESOLVED = "resolved"
    QUEUED = "queued"
    UNMATCHED = "unmatched"
    NOT_OPEN = "not_open"
    REFUSED = "refused"


class ApiMetrics:
    """The metrics of one API process."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        """Register everything in ``registry``."""
        self.registry = registry
        self._alerts = Counter(
            "lumen_alerts", "Alerts heard, by what became of them", ["source", "result"], registry=registry
        )
        self._truncated = Counter(
            "lumen_alerts_truncated", "Alerts that the sender left out of its notifications", registry=registry
        )
        self._requests = Counter(
            "lumen_webhook_requests", "Requests to the webhooks, by HTTP status", ["code"], registry=registry
        )
        self._duration = Histogram(
            "lumen_webhook_duration_seconds", "Time from a webhook's headers to its answer", registry=registry
        )
        self._approvals = Counter(
            "lumen_api_ballots",
            "Votes and overrides sent on by this API; the worker counts what they came to",
            ["action"],
            registry=registry,
        )
        self._interactions = Counter(
            "lumen_slack_interactions",
            "Clicks and forms of Slack, by what became of them",
            ["outcome"],
            registry=registry,
        )
        self._slack_connected = Gauge(
            "lumen_slack_socket_connected", "Whether this process is connected by Socket Mode", registry=registry
        )
        Gauge("lumen_build_info", "The version that runs", ["version"], registry=registry).labels(version).set(1)
        for source in SOURCES:
            for result in Result:
                self._alerts.labels(source, result)
        for code in _CODES:
            self._requests.labels(code)
        for action in _ACTIONS:
            self._approvals.labels(action)
        for outcome in Outcome:
            self._interactions.labels(outcome)

    def alert(self, source: str, result: Result, count: int = 1) -> None:
        """Count alerts of ``source`` that ended as ``result``."""
        self._alerts.labels(source, result).inc(count)

    def truncated(self, count: int) -> None:
        """Count alerts that the sender said it left out."""
        self._truncated.inc(count)

    def webhook(self, status: int, seconds: float) -> None:
        """Count one request to a webhook."""
        code = str(status)
        self._requests.labels(code if code in _CODES else "500").inc()
        self._duration.observe(seconds)

    def vote(self, decision: str) -> None:
        """Count a vote that was recorded."""
        self._approvals.labels(decision).inc()

    def override(self, decision: str) -> None:
        """Count an override that was recorded."""
        self._approvals.labels(f"override_{decision}").inc()

    def interaction(self, outcome: Outcome) -> None:
        """Count a click or a form of Slack."""
        self._interactions.labels(outcome).inc()

    def slack_connected(self, connected: bool) -> None:
        """Say whether clicks reach this process by Socket Mode now."""
        self._slack_connected.set(1 if connected else 0)
