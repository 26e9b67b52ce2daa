"""Telling a human over every channel that is configured, and counting what ended."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.metrics import WorkerMetrics
from activities.notification.errors import Kind, SlackError
from activities.notification.journal import journal_of_activity
from activities.notification.protocol import EpisodeShowing
from lumen import names
from lumen.contracts import Notifying
from lumen.display import printable, truncate
from lumen.messages import Done, Ended
from lumen.records import rfc3339
from lumen.showing import HumanNeeded, Shown, ShowRequest

_LOG = logging.getLogger("lumen.notifying")
_ALERT_LASTS = timedelta(hours=4)
_SETUP_PAUSE = 60.0  # seconds; nobody puts a channel or a token right within one


class ChannelNotifying(Notifying):
    """``alertmanager_url`` gets the alert ``LumenNeedsHuman``, ``webhook_url`` a JSON POST; empty = not configured."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        alertmanager_url: str,
        webhook_url: str,
        base_url: str,
        metrics: WorkerMetrics,
        showing: EpisodeShowing | None = None,
    ) -> None:
        """``base_url`` is where people reach Lumen, for the link in the message. ``showing``: where they follow episodes."""
        self._http = http
        self._alertmanager = alertmanager_url
        self._webhook = webhook_url
        self._base = base_url
        self._metrics = metrics
        self._showing = showing

    async def close(self) -> None:
        """Let go of the connections that are not the caller's."""
        if self._showing is not None:
            await self._showing.close()

    @activity.defn(name="tell_human")
    async def tell_human(self, request: HumanNeeded) -> Done:
        """Tell every channel; one that fails makes the activity fail, so that it is tried again. Both are idempotent enough:
        Alertmanager folds the same alert, and the webhook gets the same ``id``."""
        _LOG.warning(
            "a human is needed: %s",
            request.reason,
            extra={"alert_key": request.key, "workflow_id": request.workflow_id},
        )
        sent = 0
        problems = []
        if self._alertmanager:
            problems += await self._post(f"{self._alertmanager}/api/v2/alerts", [self._alert(request)], "Alertmanager")
            sent += 1
        if self._webhook:
            problems += await self._post(self._webhook, self._message(request), "NOTIFY_WEBHOOK_URL")
            sent += 1
        if problems:
            raise ApplicationError("; ".join(problems), type="not_told")
        return Done(sent)

    async def _post(self, url: str, body: Any, channel: str) -> list[str]:
        try:
            response = await self._http.post(url, json=body, timeout=10, follow_redirects=False)
        except httpx.HTTPError as error:
            return [f"{channel} cannot be reached: {type(error).__name__}"]
        return [] if response.is_success else [f"{channel} answered {response.status_code}"]

    def _alert(self, request: HumanNeeded) -> dict[str, Any]:
        labels = {
            "alertname": names.NEEDS_HUMAN_ALERT,
            "severity": request.severity or "warning",
            "reason": request.reason,
            "alert": request.alert,
            "rule": request.rule,
            "target": request.target,
            "lumen_key": request.key,
        }
        annotations = {
            "summary": f"Lumen needs a human: {request.reason}",
            "description": truncate(printable(request.text), 2000),
            "runbook_url": request.runbook_url,
            "lumen_url": f"{self._base}/episodes/{request.key}",
        }
        return {
            "labels": {name: truncate(printable(value), 500) for name, value in labels.items() if value},
            "annotations": {name: value for name, value in annotations.items() if value},
            "startsAt": rfc3339(request.at),
            "endsAt": rfc3339(request.at + _ALERT_LASTS),
        }

    def _message(self, request: HumanNeeded) -> dict[str, Any]:
        return {
            "event": "human_needed",
            "id": f"{request.workflow_id}/{request.reason}/{rfc3339(request.at)}",
            "reason": request.reason,
            "text": truncate(printable(request.text), 2000),
            "key": request.key,
            "alert": request.alert,
            "severity": request.severity,
            "rule": request.rule,
            "target": request.target,
            "workflow_id": request.workflow_id,
            "url": f"{self._base}/episodes/{request.key}",
            "runbook_url": request.runbook_url,
            "at": rfc3339(request.at),
        }

    @activity.defn(name="show")
    async def show(self, request: ShowRequest) -> Shown:
        """Show an episode where people follow it; a retry goes on from what the tries before got done."""
        if self._showing is None:
            return Shown(request.posted)
        journal = journal_of_activity()
        try:
            return await self._showing.show(request, journal)
        except SlackError as error:
            journal.over()
            seconds = error.retry_after or (_SETUP_PAUSE if error.kind is Kind.SETUP else 0.0)
            raise ApplicationError(
                str(error),
                type=f"slack_{error.kind}",
                next_retry_delay=timedelta(seconds=seconds) if seconds else None,
                # To be told to slow down is no failure that anybody should read about.
                category=(
                    ApplicationErrorCategory.BENIGN
                    if error.kind is Kind.LIMITED
                    else ApplicationErrorCategory.UNSPECIFIED
                ),
            ) from None

    @activity.defn(name="count_closed")
    async def count_closed(self, request: Ended) -> Done:
        """Count an episode at its close."""
        self._metrics.episodes.labels(request.outcome).inc()
        return Done(1)
