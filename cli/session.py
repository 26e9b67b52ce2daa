"""One short visit to Temporal, for the commands that need no API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from cli.causes import plain_cause
from cli.failure import CommandError
from cli.settings import load_client
from lumen.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Client

T = TypeVar("T")

_SECONDS = 60.0


def visit(work: Callable[[Client], Awaitable[T]]) -> T:
    """Return what ``work`` returns, given a client for the Temporal server of the settings.

    Raises:
        CommandError: Temporal cannot be reached, refuses, or does not answer.

    """
    return asyncio.run(_visit(load_client().settings, work))


async def _visit(settings: Settings, work: Callable[[Client], Awaitable[T]]) -> T:
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415  # half a second that --help can do without

    from activities.connection import connect  # noqa: PLC0415  # half a second that --help can do without
    from cli import core_logs  # noqa: PLC0415  # half a second that --help can do without

    core_logs.silence()
    address = settings.temporal_address or f"127.0.0.1:{settings.temporal_port}"
    try:
        async with asyncio.timeout(_SECONDS):
            return await work(await connect(settings))
    except RPCError as error:
        if error.status in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}:
            raise CommandError(f"Temporal at {address}: {plain_cause(error)}: see its log, and try again") from None
        raise CommandError(f"Temporal at {address} refused: {error.message or error.status.name}") from None
    except RuntimeError as error:
        if "client connect" not in str(error):
            raise  # only temporalio's own failure to connect is expected here
        raise CommandError(
            f"cannot reach Temporal at {address}: {plain_cause(error)}: start it (`lumen up`), or set TEMPORAL_ADDRESS"
        ) from None
    except TimeoutError:
        raise CommandError(f"Temporal at {address} did not answer within {_SECONDS:.0f} s") from None
