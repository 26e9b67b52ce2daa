"""After Slack said that it was too much, lets calls through one by one instead of all at once."""

from __future__ import annotations

from collections.abc import Callable

_SPACING = 1.2  # seconds; Slack takes about one message a second in a channel
_LONGEST = 300.0


class Pace:
    """Gives callers times to come back, one after the other; ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open_at: dict[str, float] = {}
        self._next: dict[str, float] = {}

    def slow_down(self, lane: str, seconds: float) -> float:
        """Close ``lane`` for so long; return after how many seconds this caller may come back."""
        now = self._clock()
        self._open_at[lane] = max(self._open_at.get(lane, 0.0), now + seconds)
        return self._slot(lane, now)

    def wait(self, lane: str) -> float:
        """Return 0 if a call may be made now, else after how many seconds this caller may come back."""
        now = self._clock()
        if now >= self._open_at.get(lane, 0.0):
            self._open_at.pop(lane, None)
            if now >= self._next.get(lane, 0.0):
                self._next.pop(lane, None)
            return 0.0
        return self._slot(lane, now)

    def _slot(self, lane: str, now: float) -> float:
        slot = max(self._open_at[lane], self._next.get(lane, 0.0))
        self._next[lane] = slot + _SPACING
        return min(slot - now, _LONGEST)
