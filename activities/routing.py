"""From an alert to its episode: one idempotent signal-with-start, or a durable intake for many alerts at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from lumen import names
from lumen.alert import Alert
from lumen.canonical import canonical_json, digest
from lumen.display import markdown_code, printable, truncate
from lumen.episode import EpisodeStart
from lumen.messages import IntakeStart
from lumen.outcome import State

CHUNK_BYTES = 400 * 1024
"""Size of the alerts in one intake as JSON: under the 512 KiB at which Temporal begins to warn, with room for escapes."""

CHUNK_ALERTS = 500
_MEMO_BYTES = 1500
_SUMMARY_BYTES = 200
_MARKDOWN = frozenset("`*[]()<>!|~\\")
_RPC_TIMEOUT = timedelta(seconds=5)


class AlertRouter:
    """Hands alerts to their episodes through one Temporal client."""

    def __init__(self, client: Client) -> None:
        """Keep the client; nothing is sent yet."""
        self._client = client

    async def route(self, alert: Alert, rule: str) -> str:
        """Deliver one alert and return ``started``, ``updated``, ``resolved`` or ``not_open``.

        The conflict policy is the rule that makes one episode one workflow: a start on a running id becomes a signal.

        Raises:
            RPCError: Temporal did not take the alert.

        """
        if not alert.firing:
            return await self._resolve(alert)
        handle = await self._client.start_workflow(
            names.ALERT_WORKFLOW,
            EpisodeStart(alert.key),
            id=names.alert_workflow_id(alert.key),
            task_queue=names.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=names.SIGNAL_ALERT,
            start_signal_args=[alert],
            memo={"episode": _memo(alert)},
            search_attributes=_attributes(alert, rule),
            static_summary=_summary(alert),
            rpc_timeout=_RPC_TIMEOUT,
        )
        # The response is the only place where the SDK shows whether the call started a run.
        response = handle._start_workflow_response  # noqa: SLF001
        return "started" if getattr(response, "started", False) else "updated"

    async def _resolve(self, alert: Alert) -> str:
        handle = self._client.get_workflow_handle(names.alert_workflow_id(alert.key))
        try:
            await handle.signal(names.SIGNAL_ALERT, alert, rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return "not_open"
            raise
        return "resolved"

    async def queue(self, alerts: Sequence[Alert]) -> list[str]:
        """Start durable intakes for ``alerts`` and return the workflow id of each alert's intake, in order.

        Raises:
            RPCError: Temporal did not take them all; repeating the call is harmless.

        """
        ids: list[str] = []
        for chunk in _chunks(alerts):
            workflow_id = names.intake_workflow_id(digest([_content(alert) for alert in chunk]))
            await self._client.start_workflow(
                names.INTAKE_WORKFLOW,
                IntakeStart(tuple(chunk)),
                id=workflow_id,
                task_queue=names.TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                memo={"alerts": len(chunk)},
                static_summary=f"{len(chunk)} alerts",
                rpc_timeout=_RPC_TIMEOUT,
            )
            ids.extend([workflow_id] * len(chunk))
        return ids


def _summary(alert: Alert) -> str:
    """Return one line for lists; Temporal renders it as Markdown, so what could be a link or an image becomes code."""
    text = printable(f"{alert.name} {alert.labels.get('instance', '')}".strip())
    return markdown_code(text, _SUMMARY_BYTES) if _MARKDOWN & set(text) else truncate(text, _SUMMARY_BYTES)


def _content(alert: Alert) -> dict[str, Any]:
    body = asdict(alert)
    del body["received_at"]
    return body


def _chunks(alerts: Sequence[Alert]) -> Iterator[list[Alert]]:
    chunk: list[Alert] = []
    size = 0
    for alert in alerts:
        length = len(canonical_json(_content(alert))) + 64
        if chunk and (size + length > CHUNK_BYTES or len(chunk) >= CHUNK_ALERTS):
            yield chunk
            chunk, size = [], 0
        chunk.append(alert)
        size += length
    if chunk:
        yield chunk


def _memo(alert: Alert) -> dict[str, Any]:
    """Return what a list shows of an episode; labels are cut so that the memo stays under Temporal's 2 kB warning."""
    labels: dict[str, str] = {}
    room = _MEMO_BYTES
    for name, value in alert.labels.items():
        shown = truncate(value, 200)
        # As the SDK writes it: what is not ASCII takes six bytes or twelve.
        room -= len(json.dumps(name)) + len(json.dumps(shown)) + 2
        if room < 0:
            break
        labels[name] = shown
    return {
        "key": alert.key,
        "source": alert.source,
        "fingerprint": alert.fingerprint,
        "labels": labels,
        "starts_at": truncate(alert.starts_at, 64),
    }


def _attributes(alert: Alert, rule: str) -> TypedSearchAttributes:
    values = {
        names.ATTRIBUTE_STATE: State.PLANNING.value,
        names.ATTRIBUTE_ALERT: alert.name,
        names.ATTRIBUTE_RULE: rule,
        names.ATTRIBUTE_SEVERITY: alert.severity,
    }
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), names.keyword(value))
            for name, value in values.items()
            if value
        ]
    )
