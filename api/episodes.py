"""Episodes as the edge sees them, through one Temporal client."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import QueryRejectCondition
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.errors import EpisodeClosedError, NoWorkerError, UnknownEpisodeError
from api.ports import Description, Filters, Page, Running, reaching_temporal
from api.problems import BALLOT_STATUS
from lumen import names
from lumen.ballot import Ballot
from lumen.errors import BallotError
from lumen.outcome import State
from lumen.records import rfc3339

_STATUS_SECONDS = 1.5
_UPDATE_SECONDS = 2.0
_CALL_SECONDS = 3.0
_HEALTH_SECONDS = 1.0
_HEALTH_KEPT_SECONDS = 1.0
_UNSAFE = re.compile(r"""['"\\\x00-\x1f\x7f]""")
_UNSAFE_IN_PREFIX = re.compile(r"""['"\\%_!\x00-\x1f\x7f]""")
_COLUMNS = {
    "state": names.ATTRIBUTE_STATE,
    "outcome": names.ATTRIBUTE_OUTCOME,
    "rule": names.ATTRIBUTE_RULE,
    "alert": names.ATTRIBUTE_ALERT,
    "severity": names.ATTRIBUTE_SEVERITY,
    "target": names.ATTRIBUTE_TARGET,
}


class TemporalEpisodes:
    """Implements ``api.ports.Episodes``."""

    def __init__(self, client: Client) -> None:
        """Keep the client, which may be a lazy one."""
        self._client = client
        self._health_lock = asyncio.Lock()
        self._health_at = float("-inf")
        self._health = False

    async def status(self, key: str) -> dict[str, Any]:
        """Ask the workflow itself."""
        try:
            async with reaching_temporal(_CALL_SECONDS):
                document = await self._ask(key)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
            document = None
        if not isinstance(document, dict):
            raise NoWorkerError("no worker answers for this episode now")
        return document

    async def _ask(self, key: str) -> Any:
        try:
            # The SDK's own rpc_timeout is not enough: it starts again with each retry.
            async with asyncio.timeout(_STATUS_SECONDS):
                return await self._query(key)
        except TimeoutError:
            return None
        except RPCError as error:
            _raise_if_unknown(error)
            return None

    async def _query(self, key: str) -> Any:
        """Ask, and add how the run stands: one that was cut short still tells the state in which that happened."""
        budget = timedelta(seconds=_STATUS_SECONDS)
        handle = self._handle(key)
        ended = None
        try:
            document = await handle.query(
                names.QUERY_STATUS, reject_condition=QueryRejectCondition.NOT_OPEN, rpc_timeout=budget
            )
        except WorkflowQueryRejectedError as error:
            ended = error.status
            document = await handle.query(names.QUERY_STATUS, rpc_timeout=budget)
        return {**document, **_run_of(ended)} if isinstance(document, dict) else None

    async def describe(self, key: str) -> Description:
        """Ask Temporal, strongly consistent."""
        async with reaching_temporal(_CALL_SECONDS):
            try:
                found = await self._handle(key).describe(rpc_timeout=timedelta(seconds=_CALL_SECONDS))
            except RPCError as error:
                _raise_if_unknown(error)
                raise
        memo = (await found.memo()).get("episode")
        pending = found.raw_description.pending_activities
        return Description(
            row=await _row(found),
            run_id=found.run_id,
            open=found.status == WorkflowExecutionStatus.RUNNING,
            memo=memo if isinstance(memo, dict) else {},
            running=tuple([await self._running(one) for one in pending]),
        )

    async def _running(self, pending: PendingActivityInfo) -> Running:
        """Return one pending activity; what it tells of itself only if it can be read."""
        told: Any = None
        with contextlib.suppress(RuntimeError, ValueError, TypeError):  # as data converters fail
            told = next(iter(await self._client.data_converter.decode(pending.heartbeat_details.payloads)), None)
        started = pending.last_started_time.ToDatetime(UTC) if pending.HasField("last_started_time") else None
        return Running(pending.activity_type.name, _time(started), told)

    async def page(self, filters: Filters, limit: int, after: bytes) -> Page:
        """Ask Temporal's visibility store, which is eventually consistent (about a second)."""
        found = self._client.list_workflows(
            _query(filters), next_page_token=after or None, rpc_timeout=timedelta(seconds=_CALL_SECONDS)
        )
        async with reaching_temporal(_CALL_SECONDS):
            await found.fetch_next_page(page_size=limit)
        rows = [await _row(execution) for execution in found.current_page or ()]
        if filters.rule:
            # The query may match more than the rule's exact name: see _equals.
            rows = [row for row in rows if row["rule"] == names.keyword(filters.rule)]
        return Page(rows, found.next_page_token or b"")

    async def vote(self, key: str, ballot: Ballot) -> dict[str, Any]:
        """Send the update; the ballot's id makes a repetition harmless."""
        try:
            async with reaching_temporal(_CALL_SECONDS):
                tally = await self._update(key, ballot)
        except EpisodeClosedError:
            await self.describe(key)
            raise
        if not isinstance(tally, dict):
            raise NoWorkerError("no worker has counted this vote yet")
        return tally

    async def _update(self, key: str, ballot: Ballot) -> Any:
        budget = timedelta(seconds=_UPDATE_SECONDS)
        try:
            async with asyncio.timeout(_UPDATE_SECONDS):
                return await self._handle(key).execute_update(
                    names.UPDATE_VOTE, asdict(ballot), id=ballot.id, rpc_timeout=budget
                )
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) from None
        except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
            return None
        except RPCError as error:
            # Any other failure (say, too many updates in flight) leaves the signal to be tried.
            if error.status == RPCStatusCode.NOT_FOUND:
                raise _closed() from None
            return None

    async def send(self, key: str, signal: str, ballot: Ballot) -> None:
        """Send the signal, which is durable when this returns."""
        try:
            async with reaching_temporal(_CALL_SECONDS):
                try:
                    await self._handle(key).signal(signal, asdict(ballot), rpc_timeout=timedelta(seconds=_CALL_SECONDS))
                except RPCError as error:
                    if error.status == RPCStatusCode.NOT_FOUND:
                        raise _closed() from None
                    raise
        except EpisodeClosedError:
            await self.describe(key)
            raise

    async def healthy(self) -> bool:
        """Ask Temporal's health service; an answer is kept for about a second, so that probes cost nothing."""
        async with self._health_lock:
            if time.monotonic() - self._health_at > _HEALTH_KEPT_SECONDS:
                self._health = await self._check()
                self._health_at = time.monotonic()
            return self._health

    async def _check(self) -> bool:
        budget = timedelta(seconds=_HEALTH_SECONDS)
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                return await self._client.service_client.check_health(timeout=budget)
        except (RPCError, RuntimeError, TimeoutError):
            return False

    def _handle(self, key: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(names.alert_workflow_id(key))


def _run_of(ended: WorkflowExecutionStatus | None) -> dict[str, Any]:
    """Return whether a run is open, and how it ended: ``completed`` is the only end that an episode gives itself."""
    return {"open": ended is None, "run_status": ended.name.lower() if ended else "running"}


def _closed() -> EpisodeClosedError:
    return EpisodeClosedError("this episode is over: nothing can be decided in it any more")


def _raise_if_unknown(error: RPCError) -> None:
    if error.status == RPCStatusCode.NOT_FOUND:
        raise UnknownEpisodeError("there is no episode with this key") from None


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    if isinstance(cause, ApplicationError):
        if cause.type in BALLOT_STATUS:
            return BallotError(cause.type, cause.message)
        if cause.type == "AcceptedUpdateCompletedWorkflow":
            return _closed()
    return NoWorkerError("the worker could not count this vote")


def _query(filters: Filters) -> str:
    conditions = [f"WorkflowType = '{names.ALERT_WORKFLOW}'"]
    wanted = {
        names.ATTRIBUTE_STATE: filters.state,
        names.ATTRIBUTE_OUTCOME: filters.outcome,
        names.ATTRIBUTE_RULE: names.keyword(filters.rule),
    }
    conditions += [_equals(attribute, value) for attribute, value in wanted.items() if value]
    return " AND ".join(conditions)


def _equals(attribute: str, value: str) -> str:
    """Return a condition that holds at least for ``value``, and may hold for more: the caller compares.

    Temporal's visibility query has no quoting under which every quote, backslash or control character matches itself,
    so a value with one is searched by what stands before it.
    """
    if not _UNSAFE.search(value):
        return f"{attribute} = '{value}'"
    safe = _UNSAFE_IN_PREFIX.split(value)[0]
    return f"{attribute} STARTS_WITH '{safe}'" if safe else f"{attribute} IS NOT NULL"


async def _row(execution: WorkflowExecution) -> dict[str, Any]:
    found = {pair.key.name: pair.value for pair in execution.typed_search_attributes}
    known = await execution.memo()
    memo, waiting = known.get("episode"), known.get("waiting")
    asks = (
        execution.status is WorkflowExecutionStatus.RUNNING
        and found.get(names.ATTRIBUTE_STATE) == State.AWAITING_APPROVAL
    )
    return {
        "key": names.key_of_workflow(execution.id),
        "workflow_id": execution.id,
        **{column: found.get(attribute) for column, attribute in _COLUMNS.items()},
        "labels": memo.get("labels", {}) if isinstance(memo, dict) else {},
        "waiting": waiting if asks and isinstance(waiting, dict) else None,
        "status": execution.status.name.lower() if execution.status else None,
        "started_at": _time(execution.start_time),
        "closed_at": _time(execution.close_time),
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
