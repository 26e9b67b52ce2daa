"""The embedded Temporal server: its flags, its namespace, its search attributes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client

from cli.failure import CommandError
from cli.up.temporal_server import arguments, connected, ensure_attributes, find_program, keep_history
from lumen.names import ATTRIBUTES
from lumen.settings import Settings
from tests.stack.processes import Child, free_port


async def attributes(client: Client) -> dict[str, IndexedValueType.ValueType]:
    """Return the custom search attributes of the client's namespace."""
    listing = ListSearchAttributesRequest(namespace=client.namespace)
    return dict((await client.operator_service.list_search_attributes(listing)).custom_attributes)


async def test_an_old_database_gets_what_is_missing(tmp_path: Path) -> None:
    """A file that was made without Lumen's attributes has them afterwards, in WAL mode, with 30 days of history."""
    settings = Settings(temporal_port=free_port(), temporal_ui_port=free_port(), temporal_namespace="ops")
    database = tmp_path / "temporal.db"
    child = Child("temporal", arguments(find_program(), settings, database), {}, tmp_path)
    address = f"127.0.0.1:{settings.temporal_port}"
    child.start()
    try:
        assert not await attributes(await connected(address, "ops"))
        child.kill()
        child.start()
        client = await connected(address, "ops")
        await keep_history(client)
        await ensure_attributes(client)
        assert set(ATTRIBUTES) <= set(await attributes(client))
        assert (await client.count_workflows("LumenState = 'closed'")).count == 0
        found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="ops"))
        assert found.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=30)
    finally:
        child.kill()
    # Bytes 18 and 19 of an SQLite file are 2 in WAL mode (https://sqlite.org/fileformat.html).
    assert database.read_bytes()[18:20] == b"\x02\x02"


async def test_attributes_that_are_there_are_left_alone(temporal: Client) -> None:
    """Asking again changes nothing."""
    before = await attributes(temporal)
    await ensure_attributes(temporal)
    assert await attributes(temporal) == before


async def test_an_attribute_of_another_type_is_refused(temporal: Client) -> None:
    """A name that is taken by another type cannot be used, and the line says which and where."""
    request = RegisterNamespaceRequest(
        namespace="typed", workflow_execution_retention_period=Duration(seconds=86400 * 3)
    )
    await temporal.workflow_service.register_namespace(request)
    client = await connected(temporal.service_client.config.target_host, "typed")
    wrong = AddSearchAttributesRequest(
        namespace="typed", search_attributes={ATTRIBUTES[0]: IndexedValueType.INDEXED_VALUE_TYPE_INT}
    )
    await client.operator_service.add_search_attributes(wrong)
    with pytest.raises(CommandError, match=f"{ATTRIBUTES[0]} of namespace typed is not a Keyword"):
        await ensure_attributes(client)
