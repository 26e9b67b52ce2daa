"""From a notification to committed alerts: match each to its rule, hand it to its episode, tell what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.errors import PayloadError
from api.intakes.protocol import Notification, Refused
from api.metrics import ApiMetrics, Result
from api.ports import AlertSink, FindRule, reaching_temporal
from lumen.alert import Alert
from lumen.names import NEEDS_HUMAN_ALERT, alert_workflow_id

DIRECT_LIMIT = 20
"""Up to this many alerts of one body go straight to their episodes; more are committed as intakes."""

_CONCURRENCY = 8
_ROUTE_SECONDS = 7.0
_ALERTS_A_SECOND = 1000

_log = logging.getLogger("lumen.api")


@dataclass
class Matched:
    """An alert that a rule matches, on its way; ``index`` is its place in the body."""

    index: int
    alert: Alert
    rule: str
    result: Result = Result.QUEUED
    workflow_id: str = ""


class Reception:
    """Takes notifications in. It holds no state: what is not committed in Temporal was not accepted."""

    def __init__(self, find_rule: FindRule, sink: AlertSink, metrics: ApiMetrics) -> None:
        """Keep the collaborators."""
        self._find_rule = find_rule
        self._sink = sink
        self._metrics = metrics

    def match(self, notification: Notification) -> list[Matched]:
        """Return the alerts that a rule matches; pure and, for a large body, slow enough to want a thread.

        Raises:
            PayloadError: there is no acceptable alert in the notification.

        """
        if not any(isinstance(alert, Alert) for alert in notification.alerts):
            self._metrics.alert(notification.source, Result.REFUSED, len(notification.alerts))
            raise PayloadError(_why_nothing(notification))
        items = []
        for index, alert in enumerate(notification.alerts):
            # Lumen's own call for a human must never come back as an episode that calls for a human.
            if isinstance(alert, Refused) or alert.name == NEEDS_HUMAN_ALERT:
                continue
            rule = self._find_rule(alert)
            if rule is not None:
                items.append(Matched(index, alert, rule))
        return items

    async def commit(self, notification: Notification, items: list[Matched]) -> list[dict[str, Any]]:
        """Commit ``items`` and return one object for each alert of the notification, in its order.

        Raises:
            UnreachableError: Temporal did not take all of them; repeating the whole notification is harmless.

        """
        seconds = _ROUTE_SECONDS + len(items) / _ALERTS_A_SECOND
        async with reaching_temporal(seconds):
            if len(items) > DIRECT_LIMIT:
                await self._queue(items)
            else:
                await self._route(items)
        committed = {item.index: item for item in items}
        answer = [_entry(alert, committed.get(index)) for index, alert in enumerate(notification.alerts)]
        self._count(notification, answer)
        return answer

    async def _queue(self, items: Sequence[Matched]) -> None:
        workflow_ids = await self._sink.queue([item.alert for item in items])
        for item, workflow_id in zip(items, workflow_ids, strict=True):
            item.result, item.workflow_id = Result.QUEUED, workflow_id

    async def _route(self, items: Sequence[Matched]) -> None:
        by_key: dict[str, list[Matched]] = {}
        for item in items:
            by_key.setdefault(item.alert.key, []).append(item)
        gate = asyncio.Semaphore(_CONCURRENCY)
        tasks = [asyncio.create_task(self._route_one_key(same_key, gate)) for same_key in by_key.values()]
        try:
            late = [item for item in await asyncio.gather(*tasks) if item is not None]
        finally:
            for task in tasks:
                task.cancel()
        if late:
            await self._queue(late)

    async def _route_one_key(self, items: Sequence[Matched], gate: asyncio.Semaphore) -> Matched | None:
        """Route the alerts of one key in the order of the body; return the last if it found no open episode.

        Such a resolve may have overtaken its own firing, so it is tried again for a while by an intake.
        """
        for item in items:
            async with gate:
                item.result = Result(await self._sink.route(item.alert, item.rule))
            item.workflow_id = alert_workflow_id(item.alert.key)
        return items[-1] if items[-1].result is Result.NOT_OPEN else None

    def _count(self, notification: Notification, answer: list[dict[str, Any]]) -> None:
        for entry in answer:
            self._metrics.alert(notification.source, Result(entry["result"]))
        if notification.truncated:
            self._metrics.truncated(notification.truncated)
            _log.warning(
                "%s left %d alerts out of a notification (max_alerts): Lumen never sees them",
                notification.source,
                notification.truncated,
            )


def _entry(alert: Alert | Refused, item: Matched | None) -> dict[str, Any]:
    if isinstance(alert, Refused):
        nothing = dict.fromkeys(("key", "fingerprint", "status", "rule", "workflow_id"))
        return {**nothing, "result": Result.REFUSED, "detail": alert.detail}
    return {
        "key": alert.key,
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "rule": item.rule if item else None,
        "workflow_id": item.workflow_id if item else None,
        "result": item.result if item else Result.UNMATCHED,
    }


def _why_nothing(notification: Notification) -> str:
    reasons = [alert.detail for alert in notification.alerts if isinstance(alert, Refused)]
    if not reasons:
        return "the body holds no alerts"
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"no alert in the body can be accepted: {reasons[0]}{more}"
