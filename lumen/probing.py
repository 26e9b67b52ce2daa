"""Looking whether something holds: after the actions of a plan, or before one that may have run. In histories."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lumen.alert import Alert


class Judgement(StrEnum):
    """What was found: ``unknown`` where nobody could say, which is neither yes nor no."""

    HELD = "held"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ProbeRequest:
    """Look once at the check of ``action``, or, with an empty ``action``, at the verification of the plan as it says.

    ``key`` is what the program gets as idempotency key.
    """

    alert: Alert
    workflow_id: str
    digest: str
    key: str
    attempt: int
    action: str = ""


@dataclass(frozen=True)
class Probed:
    """``samples`` is how often it was looked, ``seconds`` how long."""

    verdict: Judgement
    reason: str = ""
    samples: int = 0
    seconds: float = 0.0
