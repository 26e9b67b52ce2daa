"""What an intake is: a sender's JSON in, alerts out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from lumen.alert import Alert


@dataclass(frozen=True)
class Refused:
    """An alert that cannot be accepted; ``detail`` says why, in one short sentence."""

    detail: str


@dataclass(frozen=True)
class Notification:
    """The alerts of one body in its order; ``truncated`` is how many the sender says it left out."""

    source: str
    alerts: tuple[Alert | Refused, ...]
    truncated: int = 0


class Intake(Protocol):
    """One sender's format."""

    @property
    def source(self) -> str:
        """The first part of the keys of its alerts."""
        ...

    def parse(self, payload: Any, received_at: datetime) -> Notification:
        """Return the alerts in ``payload`` (decoded JSON); raises ``PayloadError`` for what cannot be read at all."""
        ...
