"""What the console looks at beside episodes: guards, the freeze switch, the ledger. As narrow as its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from api.freezing import Freeze
from api.guards import Found, Order
from api.ledger_view import Health, Line


class Guards(Protocol):
    """The guards. Both methods raise ``UnreachableError`` when Temporal does not answer."""

    async def find(self) -> Found:
        """Return what is held, waits or cools."""
        ...

    async def clear(self, target: str, order: Order) -> list[str]:
        """End the cooldowns under a target, a guard's id or an episode's key; return the workflow ids that were told."""
        ...


class Switch(Protocol):
    """The freeze switch. All methods raise ``UnreachableError`` when Temporal does not answer."""

    async def state(self) -> Freeze:
        """Return how it stands."""
        ...

    async def freeze(self, actor: str, reason: str) -> Freeze:
        """Freeze; return how it stands. Raises ``AlreadyFrozenError``."""
        ...

    async def unfreeze(self, actor: str, reason: str) -> Freeze:
        """Unfreeze; return how it stands, which may still be frozen. Raises ``NotFrozenError``."""
        ...


class LedgerView(Protocol):
    """The ledger, read. Neither method raises when it does not answer."""

    async def health(self) -> Health:
        """Return how it stands."""
        ...

    async def lines(self, seqs: Sequence[int], seconds: float) -> list[Line]:
        """Return these entries in order, each checked as far as that was possible within ``seconds``."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """All of it."""

    guards: Guards
    switch: Switch
    ledger: LedgerView
