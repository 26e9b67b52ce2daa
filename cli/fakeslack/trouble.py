"""What can be wrong with Slack itself, for tests to turn on and off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

ANY = "*"
"""Stands for every method, webhook and response URL."""


@dataclass
class Trouble:
    """The state of all troubles. Keys are names of methods, ``webhook``, ``response_url`` or :data:`ANY`."""

    unavailable: bool = False
    delays: dict[str, float] = field(default_factory=dict)
    limited: dict[str, tuple[int, int]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def delay(self, method: str) -> float:
        """Return for how many seconds a call waits before anything happens."""
        return self.delays.get(method, self.delays.get(ANY, 0.0))

    def retry_after(self, method: str) -> int:
        """Return the seconds of ``Retry-After`` if this call is refused, else 0; each refusal is counted."""
        for name in (method, ANY):
            left, seconds = self.limited.get(name, (0, 0))
            if left:
                self.limited[name] = (left - 1, seconds)
                return seconds
        return 0

    def loses_answer(self, method: str) -> bool:
        """Return whether this call is done and its answer lost; that is over then."""
        for name in (method, ANY):
            if name in self.lost:
                self.lost.discard(name)
                return True
        return False

    def clear(self) -> None:
        """End all of it."""
        self.unavailable = False
        for kept in (self.delays, self.limited, self.lost):
            kept.clear()


def known(method: str, names: Iterable[str]) -> str:
    """Return ``method`` if it is one of ``names`` or :data:`ANY`; raises :class:`ValueError` otherwise."""
    if method != ANY and method not in set(names):
        raise ValueError(f"{method} is no method of this stand-in")
    return method
