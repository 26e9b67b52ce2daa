"""Temporal: the server, its namespace, what is registered there, and who polls."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import defaultdict
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene
from lumen import names
from lumen.plan import Mode

_WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_QUEUES = (
    (names.TASK_QUEUE, _WORKFLOW),
    (names.TASK_QUEUE, _ACTIVITY),
    (names.GUARD_TASK_QUEUE, _WORKFLOW),
    (names.INTAKE_TASK_QUEUE, _ACTIVITY),
)
_STALE = 90.0
"""Seconds after which a poller is gone: a poll lasts up to 60 s, and Temporal lists the dead for minutes."""


async def temporal(scene: Scene) -> list[Finding]:
    """Look for the server and the namespace."""
    seen, namespace = scene.temporal, scene.case.settings.temporal_namespace
    if seen.client is None:
        if scene.case.own_temporal and (quiet := scene.unreachable_is_no_news("TEMPORAL_ADDRESS")):
            return [quiet]
        fix = (
            "start it (lumen up has its own when TEMPORAL_ADDRESS is unset), or correct TEMPORAL_ADDRESS and TEMPORAL_*"
        )
        return [fail(f"no Temporal at {seen.address}: {seen.trouble}", fix)]
    if scene.quiet and scene.case.own_temporal:
        return [skip(f"{scene.quiet}; what listens at {seen.address} is not Lumen's own")]
    try:
        await seen.client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=_timeout(scene)
        )
        about = await seen.client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_timeout(scene))
    except RPCError as error:
        return [_refused(error, seen.address, namespace)]
    return [ok(f"{seen.address}, namespace {namespace}, server {about.server_version}")]


def _refused(error: RPCError, address: str, namespace: str) -> Finding:
    if error.status is RPCStatusCode.NOT_FOUND:
        return fail(
            f"Temporal at {address} has no namespace {namespace}",
            f"temporal operator namespace create --namespace {namespace} --address {address}, or correct TEMPORAL_NAMESPACE",
        )
    if error.status in {RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED}:
        return fail(
            f"Temporal at {address} does not let us into namespace {namespace}: {error.message}",
            "correct TEMPORAL_API_KEY or the TLS certificate (TEMPORAL_TLS_*)",
        )
    return fail(
        f"Temporal at {address} answered {error.status.name}: {error.message}", "see the log of the Temporal server"
    )


async def search_attributes(scene: Scene) -> list[Finding]:
    """Look whether the namespace has the six attributes that Lumen searches by, as Keywords."""
    client = _client(scene)
    if client is None:
        return [_not_asked(scene)]
    namespace = client.namespace
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=namespace), timeout=_timeout(scene)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return [skip(f"there is no namespace {namespace}")]
        return [await _by_counting(client, scene)]
    there = answer.custom_attributes
    missing = [name for name in names.ATTRIBUTES if name not in there]
    other = [name for name in names.ATTRIBUTES if there.get(name, _KEYWORD) != _KEYWORD]
    findings = [_missing(missing, scene)] if missing else []
    if other:
        fix = f"temporal operator search-attribute remove --name {other[0]}, or use another TEMPORAL_NAMESPACE"
        findings.append(fail(f"{', '.join(other)} of namespace {namespace} is not a Keyword", fix))
    return findings or [ok(f"all {len(names.ATTRIBUTES)} are there")]


async def _by_counting(client: Client, scene: Scene) -> Finding:
    """Try a search: who may not list the attributes (as in Temporal Cloud) may well use them."""
    condition = " AND ".join(f"{name} IS NULL" for name in names.ATTRIBUTES)
    try:
        await client.count_workflows(condition, rpc_timeout=_timeout(scene))
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return _missing([name for name in names.ATTRIBUTES if name in error.message] or [*names.ATTRIBUTES], scene)
        return warn(f"they cannot be listed: {error.message}", "ask who runs Temporal for the six Keywords of Lumen")
    return ok(f"all {len(names.ATTRIBUTES)} can be searched for")


def _missing(missing: list[str], scene: Scene) -> Finding:
    # A type for each name: with one type for all, the program adds the first and says that it added them.
    options = " ".join(f"--name {name} --type Keyword" for name in missing)
    where = f"--namespace {scene.case.settings.temporal_namespace} --address {scene.temporal.address}"
    return fail(
        f"missing: {', '.join(missing)}",
        f"temporal operator search-attribute create {options} {where} (or restart lumen up)",
    )


async def workers(scene: Scene) -> list[Finding]:
    """Look whether somebody polls the queues of Lumen, and of every runner that a rule names."""
    client = _client(scene)
    if client is None:
        return [_not_asked(scene)]
    try:
        listed = await asyncio.gather(*(_pollers(client, scene, queue, kind) for queue, kind in _QUEUES))
        findings = await _runners(client, scene)
    except RPCError as error:
        return [warn(f"the task queues cannot be looked at: {error.message}", "see the log of the Temporal server")]
    pollers = [_fresh(found) for found in listed]
    idle = sorted({queue for (queue, _), found in zip(_QUEUES, pollers, strict=True) if not found})
    if not any(pollers):
        last = max((_seen(poller) for found in listed for poller in found), default=None)
        # Said, since a clock that is wrong makes living workers look dead.
        when = f" (the last did {time.time() - last:.0f} s ago by this clock)" if last else ""
        found = f"no worker polls Temporal{when}: alerts are accepted, but nothing is done"
        return [fail(found, scene.start("worker"))]
    if idle:
        return [fail(f"nobody polls the task queue {', '.join(idle)}", "restart the worker: lumen worker"), *findings]
    who = sorted({poller.identity for found in pollers for poller in found})
    return [ok(f"{', '.join(who)} poll{'s' if len(who) == 1 else ''} every task queue of Lumen"), *findings]


async def _runners(client: Client, scene: Scene) -> list[Finding]:
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    live = set()
    for rule in scene.rules.rules if scene.rules else ():
        for action in rule.actions:
            wanted[action.runner].append(rule.name)
            if not rule.dry_run and rule.mode is not Mode.SHADOW:
                live.add(action.runner)
    found = await asyncio.gather(
        *(_pollers(client, scene, names.runner_task_queue(runner), _ACTIVITY) for runner in wanted)
    )
    return [
        (fail if runner in live else warn)(
            f"nobody runs actions for the runner {runner} (rule {', '.join(dict.fromkeys(rules))})",
            f"on its machine: lumen worker --runner {runner}",
        )
        for (runner, rules), pollers in zip(wanted.items(), found, strict=True)
        if not _fresh(pollers)
    ]


async def workers_elsewhere(scene: Scene) -> list[str]:
    """Return who polls for episodes from another machine; nobody where Temporal does not say."""
    client = _client(scene)
    if client is None:
        return []
    try:
        found = _fresh(await _pollers(client, scene, names.TASK_QUEUE, _WORKFLOW))
    except RPCError:
        return []
    here = socket.gethostname()
    return sorted({poller.identity for poller in found if poller.identity.rpartition("@")[2] != here})


async def server_ahead(scene: Scene) -> float | None:
    """Return how many seconds Temporal's clock is ahead at least, by when it saw a worker poll; None if unknown.

    That it is behind cannot be told: a poll that looks old may be old.
    """
    client = _client(scene)
    if client is None:
        return None
    try:
        found = await _pollers(client, scene, names.TASK_QUEUE, _WORKFLOW)
    except RPCError:
        return None
    now = time.time()
    return max((max(0.0, _seen(poller) - now) for poller in found), default=None)


async def _pollers(client: Client, scene: Scene, queue: str, kind: TaskQueueType.ValueType) -> list[PollerInfo]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    answer = await client.workflow_service.describe_task_queue(request, timeout=_timeout(scene))
    return list(answer.pollers)


def _fresh(pollers: list[PollerInfo]) -> list[PollerInfo]:
    return [poller for poller in pollers if time.time() - _seen(poller) < _STALE]


def _seen(poller: PollerInfo) -> float:
    return poller.last_access_time.seconds + poller.last_access_time.nanos / 1e9


def _client(scene: Scene) -> Client | None:
    """Return the client, unless the server is one that Lumen does not use."""
    return None if scene.quiet and scene.case.own_temporal else scene.temporal.client


def _not_asked(scene: Scene) -> Finding:
    return (scene.case.own_temporal and scene.unreachable_is_no_news("TEMPORAL_ADDRESS")) or skip("no Temporal to ask")


def _timeout(scene: Scene) -> timedelta:
    return timedelta(seconds=scene.eyes.seconds)
