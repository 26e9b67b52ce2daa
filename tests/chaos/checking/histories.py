"""What Temporal says about each workflow: the histories that ``temporal workflow show`` printed."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.checking.reading import instant, parsed, read_json, rows, table, text
from tests.chaos.checking.report import Report

CLOSED = {
    "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED": "completed",
    "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW": "continued",
    "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED": "failed",
    "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED": "terminated",
    "EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT": "timed out",
    "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED": "canceled",
}
ENDED_ILL = {"failed", "terminated", "timed out", "canceled"}


@dataclass(frozen=True)
class Run:
    """One run of a workflow. Times in seconds since 1970; ``outcome`` and ``state`` are the last search attributes."""

    workflow: str
    run: str
    first: str
    type: str
    began: float
    ended: float | None
    status: str
    outcome: str
    state: str
    jammed: str


def read_histories(folder: Path, report: Report) -> list[Run]:
    """Read every history of the folder, in the order in which the runs began."""
    if not folder.is_dir():
        report.add("evidence", "", "there is no folder histories")
        return []
    found = []
    for file in sorted(folder.glob("*.json")):
        events = [event for event in rows(read_json(file, report), "events") if isinstance(event, dict)]
        if not events:
            report.add("evidence", "", f"histories/{file.name} holds no events")
            continue
        name, _, run = file.name.removesuffix(".json").rpartition(".")
        found.append(_run(name, run, events))
    return sorted(found, key=lambda run: run.began)


def chains(runs: list[Run]) -> dict[str, dict[str, list[Run]]]:
    """Return for each workflow id its chains of runs, by the id of their first run."""
    found: dict[str, dict[str, list[Run]]] = defaultdict(dict)
    for run in runs:
        found[run.workflow].setdefault(run.first, []).append(run)
    return found


def _run(name: str, run: str, events: list[dict[str, Any]]) -> Run:
    begun = table(events[0], "workflowExecutionStartedEventAttributes")
    last = events[-1]
    status = CLOSED.get(text(last, "eventType"), "running")
    attributes = table(begun, "searchAttributes", "indexedFields")
    for event in events:
        more = table(event, "upsertWorkflowSearchAttributesEventAttributes", "searchAttributes", "indexedFields")
        attributes = {**attributes, **more}
    return Run(
        workflow=text(begun, "workflowId") or name,
        run=run,
        first=text(begun, "firstExecutionRunId") or run,
        type=text(begun, "workflowType", "name"),
        began=instant(events[0].get("eventTime")) or 0.0,
        ended=None if status == "running" else instant(last.get("eventTime")),
        status=status,
        outcome=payload(attributes.get("LumenOutcome")),
        state=payload(attributes.get("LumenState")),
        jammed=_jammed(events),
    )


def payload(value: Any) -> str:
    """Return the text in a JSON payload of Temporal, or an empty one."""
    try:
        decoded = parsed(base64.b64decode(text(value, "data"), validate=True))
    except (binascii.Error, ValueError):
        return ""
    return decoded if isinstance(decoded, str) else ""


def _jammed(events: list[dict[str, Any]]) -> str:
    """Return why the last workflow task failed, if none was completed after it."""
    for event in reversed(events):
        kind = text(event, "eventType")
        if kind == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED":
            return ""
        if kind == "EVENT_TYPE_WORKFLOW_TASK_FAILED":
            failed = table(event, "workflowTaskFailedEventAttributes")
            return f"{text(failed, 'cause')} {text(failed, 'failure', 'message')}"[:300]
    return ""
