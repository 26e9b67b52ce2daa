"""What one key of the language is; :mod:`rules.schema` has them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REQUIRED = "required"
LONGEST = 30 * 86400.0  # seconds; no wait of the language is longer, so that a typo cannot park an episode for years


@dataclass(frozen=True)
class Key:
    """One key. ``type`` names a reader of ``rules.reading``; ``keys`` are those of a nested mapping.

    ``default`` is in the unit of the plan (seconds), None where absence means something of its own (``otherwise`` says
    what), and ``required`` where the key must be given. ``least`` and ``most`` bound numbers and durations. ``doc`` and
    ``otherwise`` are Markdown of one line.
    """

    name: str
    type: str
    default: Any
    doc: str
    keys: tuple[Key, ...] = ()
    choices: tuple[str, ...] = ()
    pattern: str = ""
    least: float = 0
    most: float = LONGEST
    otherwise: str = ""
