"""Where the comparison of ledger and Temporal gets its two sides from."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cli.omission.compare import Chain, Execution, Recorded, ended
from lumen import names
from lumen.records import KIND_FINISHED, KIND_REMEDIATION, KIND_STARTED, moment

if TYPE_CHECKING:
    from temporalio.client import Client

    from cli.ledger_source import LedgerSource
    from proof.format.chain import StoredEntry

_SAY_EVERY = 2.0


async def list_episodes(client: Client) -> tuple[list[Execution], timedelta]:
    """Return every run of every episode that Temporal has, and how long it keeps those that have ended."""
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest  # noqa: PLC0415  # takes a second to import
    from temporalio.common import SearchAttributeKey  # noqa: PLC0415  # likewise

    state = SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATE)
    found = [
        Execution(
            one.id,
            one.run_id,
            one.status.name if one.status is not None else "",
            one.typed_search_attributes.get(state) or "",
            one.start_time,
        )
        async for one in client.list_workflows(f"WorkflowType = '{names.ALERT_WORKFLOW}'")
    ]
    request = DescribeNamespaceRequest(namespace=client.namespace)
    namespace = await client.workflow_service.describe_namespace(request)
    return found, namespace.config.workflow_execution_retention_ttl.ToTimedelta()


async def look_closely(client: Client, runs: Iterable[Execution]) -> dict[tuple[str, str], Chain]:
    """Return the episode of each run, by workflow id and run id; runs that have gone meanwhile are left out."""
    from temporalio.client import WorkflowExecutionStatus  # noqa: PLC0415  # takes a second to import
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415  # likewise

    found = {}
    for one in runs:
        try:
            seen = await client.get_workflow_handle(one.workflow_id, run_id=one.run_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            continue
        first = seen.raw_description.workflow_execution_info.first_run_id or one.run_id
        found[one.workflow_id, one.run_id] = Chain(first, seen.status is WorkflowExecutionStatus.RUNNING)
    return found


def read_ledger(source: LedgerSource, since: datetime | None) -> Recorded:
    """Return what the ledger says from ``since`` on, or at all; progress goes to stderr."""
    size = source.head().checkpoint.tree.size
    recorded = Recorded(first_seq=0 if since is None else first_after(source, size, since))
    next_word = time.monotonic() + _SAY_EVERY
    for stored in source.entries(recorded.first_seq, size):
        take(recorded, stored)
        if not stored.seq & 0xFF and time.monotonic() >= next_word:
            sys.stderr.write(f"{stored.seq + 1} of {size} entries\n")
            next_word = time.monotonic() + _SAY_EVERY
    return recorded


def first_after(source: LedgerSource, size: int, since: datetime) -> int:
    """Return the number of the first entry written at ``since`` or later, if the ledger's clock never went back."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        (stored,) = source.entries(middle, middle + 1)
        at = moment(json.loads(stored.body)["at"])
        if at is not None and at < since:
            low = middle + 1
        else:
            high = middle
    return low


def has_attempt(source: LedgerSource, episode: str) -> bool:
    """Tell whether the ledger has an attempt of an episode, given as workflow id, slash, first run id."""
    return any(entry.kind == KIND_REMEDIATION for entry, _ in source.beginning_with(f"{episode}/"))


def take(recorded: Recorded, stored: StoredEntry) -> None:
    """Add one entry to what is recorded."""
    entry: dict[str, Any] = json.loads(stored.body)
    kind, idem = entry["kind"], str(entry["idem"])
    if kind == KIND_REMEDIATION:
        parts = {part.name: json.loads(part.data) for part in stored.parts if part.data is not None}
        recorded.attempts[idem.rpartition("/")[0]] = ended(stored.seq, parts.get("remediation"))
    elif kind in {KIND_STARTED, KIND_FINISHED}:
        stem, _, tried = idem.rpartition("/")
        key = stem.rpartition("/")[0]
        if not tried.isdecimal():
            return
        if kind == KIND_STARTED:
            recorded.claims.setdefault(key, {})[int(tried)] = stored.seq
        else:
            recorded.finished.add((key, int(tried)))
