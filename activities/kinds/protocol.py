"""What every kind of action is: one method that runs one action to its end, whatever happens, and says how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import httpx

from activities.execution.standby import Standby
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction

GRACE = 10.0
"""Seconds between TERM and KILL."""


@dataclass(frozen=True)
class KindContext:
    """What the kinds need of their surroundings. ``root``: where relative programs and paths begin."""

    http: httpx.AsyncClient
    root: Path
    python: str
    control_bus_url: str = ""
    control_bus_token: str = field(default="", repr=False)
    standby: Standby | None = None
    kubeconfig: str = ""


@dataclass(frozen=True)
class Ended:
    """How an action ended; ``detail`` is JSON for the ledger, without secrets."""

    status: ActionStatus
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """One kind of action."""

    async def run(self, action: PlannedAction, plan: Plan, request: ExecuteRequest, cancel: asyncio.Event) -> Ended:
        """Run ``action`` and return how it ended; never raises for what the action did. ``cancel`` asks it to stop."""
        ...


@runtime_checkable
class Checking(Protocol):
    """A kind that can tell, before anything is claimed, that an action cannot start on this worker."""

    def cannot_start(self, action: PlannedAction) -> str:
        """Return why not, for a person, or nothing. May block: it is called in a thread."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A kind that keeps connections."""

    async def close(self) -> None:
        """Close them."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A kind whose actions can be watched while they run."""

    def said(self, key: str) -> dict[str, str]:
        """Return the last part of what the action with this idempotency key has printed so far, by stream."""
        ...
