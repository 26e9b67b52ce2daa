"""Whether the ledger has claims of runs that Temporal does not know: then an older Temporal was put back.

The key of an action names the first run of its episode. A run that Temporal lost comes back, by Alertmanager's next repeat,
as another run with other keys, and the claim of the lost one would not stop its action from starting again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.ledger_client import LedgerClient
from lumen import names
from lumen.records import KIND_OVERRIDE, KIND_STARTED, moment

ACTOR = "lumen worker"
"""Who the freeze is by that a comparison turns on."""

_ENTRIES = 2000
_RUNS = 200
_PAGE = 500
_AT_ONCE = 10
_UNSAID = timedelta(hours=24)
_SLACK = timedelta(minutes=10)
_RPC_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True)
class ClaimedRun:
    """A run that claimed an action: workflow id, first run id of its episode, its own run id, the newest claim's number."""

    workflow_id: str
    first_run: str
    run: str
    seq: int


class Compared:
    """Whether the comparison has been made since a worker began, or since it last lost Temporal; ``losses`` counts these."""

    def __init__(self, *, done: bool = False) -> None:
        """Begin with nothing compared, or with ``done`` as if it were."""
        self.losses = 0
        self._event = asyncio.Event()
        if done:
            self._event.set()

    def done(self) -> None:
        """Let actions start."""
        self._event.set()

    def begin(self) -> None:
        """Let no action start until it is done."""
        self.losses += 1
        self._event.clear()

    def still(self, losses: int) -> bool:
        """Return whether Temporal was not lost again since there were so many ``losses``, and the comparison is done."""
        return self._event.is_set() and self.losses == losses

    async def within(self, seconds: float) -> bool:
        """Return whether it is done, after at most ``seconds``; at once if it is already."""
        if not self._event.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._event.wait()
            except TimeoutError:
                return False
        return True


async def lost_runs(client: Client, ledger: LedgerClient) -> list[ClaimedRun]:
    """Return the runs with claims in the end of the ledger that Temporal does not know though it would still keep them.

    Looks at the newest 2,000 entries and 200 runs: what was lost is the end, so it shows there. What stands before a freeze
    that an earlier comparison turned on was told to people then, unless Temporal has lost that freeze too.

    Raises:
        LedgerError: the ledger does not answer, or refuses; RPCError: Temporal does.

    """
    kept_since = datetime.now(UTC) - await _retention(client) + _SLACK
    found: dict[tuple[str, str], ClaimedRun] = {}
    end = await ledger.height()
    least = max(0, end - _ENTRIES)
    while end > least and len(found) < _RUNS:
        first = max(least, end - _PAGE)
        for entry in reversed(await ledger.entries(first, end)):
            at = moment(str(entry["at"]))
            if at is not None and at < kept_since:
                return await _unknown(client, found)
            if entry["kind"] == KIND_STARTED:
                claimed = _claimed(entry)
                if claimed.first_run:
                    found.setdefault((claimed.workflow_id, claimed.first_run), claimed)
            elif _is_own_freeze(entry) and await _knows(client, names.FREEZE_ID, str(entry["idem"]).split("/")[1]):
                return await _unknown(client, found)
        end = first
    return await _unknown(client, found)


def _claimed(entry: dict[str, Any]) -> ClaimedRun:
    workflow_id, _, rest = str(entry["idem"]).partition("/")
    first_run = rest.partition("/")[0]
    claim = entry["parts"].get("claim")
    run = claim.get("run_id") if isinstance(claim, dict) else None
    return ClaimedRun(workflow_id, first_run, str(run or first_run), int(entry["seq"]))


def _is_own_freeze(entry: dict[str, Any]) -> bool:
    part = entry["parts"].get("override")
    if entry["kind"] != KIND_OVERRIDE or not isinstance(part, dict):
        return False
    named = str(entry["idem"]).startswith(f"{names.FREEZE_ID}/")
    return named and part.get("decision") == "freeze" and part.get("actor") == ACTOR


async def _unknown(client: Client, found: dict[tuple[str, str], ClaimedRun]) -> list[ClaimedRun]:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def lost(one: ClaimedRun) -> bool:
        async with limit:
            # The first run of a long episode may be gone while the run that claimed is not.
            runs = dict.fromkeys((one.first_run, one.run))
            return not any([await _knows(client, one.workflow_id, run) for run in runs])

    runs = list(found.values())[:_RUNS]
    gone = await asyncio.gather(*map(lost, runs))
    return [one for one, is_lost in zip(runs, gone, strict=True) if is_lost]


async def _knows(client: Client, workflow_id: str, run_id: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id, run_id=run_id).describe(rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:  # what is no id of a run was never one of Temporal's
            raise
    return True


async def _retention(client: Client) -> timedelta:
    """Return how long Temporal keeps what has closed; a day where it does not say, which is the least that is usual."""
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        namespace = await client.workflow_service.describe_namespace(request, timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.PERMISSION_DENIED:
            return _UNSAID
        raise
    return namespace.config.workflow_execution_retention_ttl.ToTimedelta()
