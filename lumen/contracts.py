"""The only activity signatures that workflows know. Implementations live in ``activities``; the worker wires them.

Each activity takes one message and returns one. The name of an activity is part of recorded histories: never rename.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from temporalio import activity

from lumen.command import Command, CommandEnded
from lumen.messages import (
    Admission,
    AdmitRequest,
    Delivered,
    Delivery,
    Done,
    Ended,
    ExecuteRequest,
    ExecuteResult,
    HolderQuestion,
    HolderState,
    LedgerAppend,
    LedgerReceipt,
    Prepared,
    PrepareRequest,
    RecoverRequest,
    Recovery,
    StillFiring,
    StillFiringRequest,
    WakeRequest,
)
from lumen.probing import Probed, ProbeRequest
from lumen.showing import HumanNeeded, Shown, ShowRequest


class Planning(ABC):
    """Sub-second and idempotent."""

    @abstractmethod
    @activity.defn(name="prepare")
    async def prepare(self, request: PrepareRequest) -> Prepared:
        """Make the plan from the worker's own rules, evaluate its condition, take its guards."""

    @abstractmethod
    @activity.defn(name="admit")
    async def admit(self, request: AdmitRequest) -> Admission:
        """Judge a ballot: authenticity, person, allowlist, rank, and the digest of today's plan."""

    @abstractmethod
    @activity.defn(name="still_firing")
    async def still_firing(self, request: StillFiringRequest) -> StillFiring:
        """Ask Prometheus."""


class Executing(ABC):
    """Normal activities on the task queue of a runner, at most one attempt each."""

    @abstractmethod
    @activity.defn(name="execute")
    async def execute(self, request: ExecuteRequest) -> ExecuteResult:
        """Claim in the ledger, run the action, record its result."""


class Probing(ABC):
    """Normal activities on the task queue of a runner; looking changes nothing, so they may be repeated."""

    @abstractmethod
    @activity.defn(name="probe")
    async def probe(self, request: ProbeRequest) -> Probed:
        """Look whether a check or the verification of the worker's own plan holds."""


class Proving(ABC):
    """The ledger, as workflows see it."""

    @abstractmethod
    @activity.defn(name="append")
    async def append(self, request: LedgerAppend) -> LedgerReceipt:
        """Append an entry; raises ``ApplicationError`` ``ledger_unavailable`` (retry) or ``ledger_refused`` (do not)."""

    @abstractmethod
    @activity.defn(name="recover")
    async def recover(self, request: RecoverRequest) -> Recovery:
        """Read what became of a start, and void it if it never happened."""


class Notifying(ABC):
    """People and counters."""

    @abstractmethod
    @activity.defn(name="tell_human")
    async def tell_human(self, request: HumanNeeded) -> Done:
        """Tell a human over every channel that is configured; ``count`` channels took it."""

    @abstractmethod
    @activity.defn(name="show")
    async def show(self, request: ShowRequest) -> Shown:
        """Show an episode where people follow it; one call at a time for each episode, the newest document wins."""

    @abstractmethod
    @activity.defn(name="count_closed")
    async def count_closed(self, request: Ended) -> Done:
        """Count an episode that closed."""


class Commanding(ABC):
    """The control bus, as ``CommandWorkflow`` sees it."""

    @abstractmethod
    @activity.defn(name="send_command")
    async def send_command(self, request: Command) -> CommandEnded:
        """Post a command; raises ``ApplicationError`` for what another try may cure (frozen, no answer, 5xx)."""


class Routing(ABC):
    """Between workflows: what needs a Temporal client."""

    @abstractmethod
    @activity.defn(name="deliver")
    async def deliver(self, request: Delivery) -> Delivered:
        """Hand alerts to their episodes."""

    @abstractmethod
    @activity.defn(name="holder_state")
    async def holder_state(self, request: HolderQuestion) -> HolderState:
        """Look (strongly consistent) whether a holder of a guard is still open."""

    @abstractmethod
    @activity.defn(name="wake_blocked")
    async def wake_blocked(self, request: WakeRequest) -> Done:
        """Signal every blocked episode to look again."""
