"""How long the embedded Temporal server keeps closed episodes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from benchmarks.measure import until
from cli.up.plan import make_plan, pieces
from cli.up.temporal_server import connected, find_program
from tests.stack.processes import Child, free_port

_SECONDS = 2


@contextlib.asynccontextmanager
async def server(folder: Path, more: Sequence[str] = ()) -> AsyncIterator[Client]:
    """Run the server of ``lumen up`` until it counts as ready there."""
    ports = {name: str(free_port()) for name in ("LUMEN_TEMPORAL_PORT", "LUMEN_TEMPORAL_UI_PORT")}
    plan = make_plan({"PATH": os.defpath, **ports}, {}, folder, folder / "rules")
    piece = pieces(plan, find_program())[0]
    assert piece.name == "temporal"
    child = Child("temporal", [*piece.argv, *more], {}, folder)
    child.start()
    try:
        await piece.ready()
        yield await connected(plan.settings.temporal_address, plan.settings.temporal_namespace)
    finally:
        child.kill()


async def retention(client: Client) -> timedelta:
    """Return how long the namespace keeps what has closed."""
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def forgotten(handle: WorkflowHandle[object, object]) -> bool:
    """Whether the server knows this execution no more."""
    try:
        await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return True
    return False


async def test_lumen_up_keeps_closed_episodes_for_thirty_days(tmp_path: Path) -> None:
    """The server counts as ready only when its namespace has Lumen's retention, not its own of one day."""
    async with server(tmp_path) as client:
        assert await retention(client) == timedelta(days=30)


async def test_what_is_older_than_the_retention_goes_by_itself(tmp_path: Path) -> None:
    """The server deletes a closed execution, history and listing, when its time is over, and leaves the open ones.

    Its smallest retention is an hour, up to half an hour of which is chance: both are lowered here, by settings of the
    server that Lumen does not use.
    """
    lowered = ['system.namespaceMinRetentionLocal="1s"', 'history.retentionTimerJitterDuration="1s"']
    async with server(tmp_path, [word for one in lowered for word in ("--dynamic-config-value", one)]) as client:
        config = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=_SECONDS))
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(namespace=client.namespace, config=config)
        )
        assert await retention(client) == timedelta(seconds=_SECONDS)
        still_open = await client.start_workflow("Any", id="open", task_queue="nobody")
        number = 0

        async def one_goes() -> bool:
            # What closes before the server has heard of the new retention keeps the old one: try with others.
            nonlocal number
            number += 1
            closed = await client.start_workflow("Any", id=f"closed-{number}", task_queue="nobody")
            await closed.terminate()
            with contextlib.suppress(TimeoutError):
                await until(lambda: forgotten(closed), 3 * _SECONDS, "it is forgotten")
            return await forgotten(closed)

        await until(one_goes, 60, "a closed execution is forgotten")
        assert not await forgotten(still_open)

        async def unlisted() -> bool:
            return (await client.count_workflows(f'WorkflowId="closed-{number}"')).count == 0

        await until(unlisted, 30, "it is listed no more")
