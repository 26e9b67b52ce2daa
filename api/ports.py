"""What the edge needs from the rest of Lumen, as narrow as its use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from temporalio.service import RPCError, RPCStatusCode

from api.errors import UnreachableError
from lumen.alert import Alert
from lumen.ballot import Ballot
from lumen.command import Command

FindRule = Callable[[Alert], str | None]
"""Returns the name of the rule that matches an alert, or None."""


class AlertSink(Protocol):
    """Hands alerts to their episodes; ``activities.routing.AlertRouter`` is the real one."""

    async def route(self, alert: Alert, rule: str) -> str:
        """Deliver one alert; return ``started``, ``updated``, ``resolved`` or ``not_open``."""
        ...

    async def queue(self, alerts: Sequence[Alert]) -> list[str]:
        """Commit alerts for durable delivery; return the workflow id of each alert's intake, in order."""
        ...


@dataclass(frozen=True)
class Running:
    """One activity that was started and has not ended. ``told`` is what its last sign of life said: JSON, or None."""

    activity: str
    started_at: str | None
    told: Any = None


@dataclass(frozen=True)
class Description:
    """What Temporal itself knows of an episode's last run, without any worker.

    ``row`` is the episode as ``GET /alerts`` lists it; ``memo`` holds the alert as far as the memo does. ``running`` is
    what its workers do now.
    """

    row: dict[str, Any]
    run_id: str
    open: bool
    memo: dict[str, Any] = field(default_factory=dict)
    running: tuple[Running, ...] = ()


@dataclass(frozen=True)
class Page:
    """One page of episodes; ``after`` is Temporal's token of the next page, empty on the last."""

    rows: list[dict[str, Any]]
    after: bytes = b""


@dataclass(frozen=True)
class Filters:
    """Which episodes to list; an empty value does not filter."""

    state: str = ""
    outcome: str = ""
    rule: str = ""


class Episodes(Protocol):
    """Reading episodes and speaking to them. All methods raise ``UnreachableError`` when Temporal does not answer."""

    async def status(self, key: str) -> dict[str, Any]:
        """Return the episode's own document with ``open`` and ``run_status``.

        Raises ``UnknownEpisodeError`` or ``NoWorkerError``.
        """
        ...

    async def describe(self, key: str) -> Description:
        """Return what is known without a worker; raises ``UnknownEpisodeError``."""
        ...

    async def page(self, filters: Filters, limit: int, after: bytes) -> Page:
        """Return at most ``limit`` episodes, newest first."""
        ...

    async def vote(self, key: str, ballot: Ballot) -> dict[str, Any]:
        """Cast ``ballot``; return the tally.

        Raises ``BallotError``, ``NoWorkerError``, ``UnknownEpisodeError`` or ``EpisodeClosedError``.
        """
        ...

    async def send(self, key: str, signal: str, ballot: Ballot) -> None:
        """Leave ``ballot`` with the episode; raises ``UnknownEpisodeError`` or ``EpisodeClosedError``."""
        ...

    async def healthy(self) -> bool:
        """Return whether Temporal answers; never raises."""
        ...


class Commands(Protocol):
    """Starts commands to the control bus."""

    async def start(self, command: Command) -> str:
        """Start ``command``, or find it under its key; return the workflow id.

        Raises ``OtherCommandError`` or ``UnreachableError``.
        """
        ...


@asynccontextmanager
async def reaching_temporal(seconds: float) -> AsyncIterator[None]:
    """Bound Temporal calls to ``seconds`` and turn every way in which they fail into ``UnreachableError``."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RPCError, TimeoutError) as error:
        if isinstance(error, RPCError) and error.status == RPCStatusCode.INVALID_ARGUMENT:
            raise UnreachableError(
                "Temporal refuses what Lumen sends; most likely its namespace lacks Lumen's search attributes. "
                "`lumen doctor` says which, and how to add them"
            ) from None
        raise UnreachableError(
            "Temporal did not answer in time: send the request again, repeating it is harmless"
        ) from None
    except RuntimeError as error:
        # What temporalio raises when a lazy client cannot connect.
        if "client connect" not in str(error):
            raise
        raise UnreachableError(
            "Temporal cannot be reached: send the request again later, repeating it is harmless"
        ) from None
