"""How a soak is taken: as shipped for a long one, with everything that takes minutes shortened for a short one."""

from __future__ import annotations

from dataclasses import dataclass

_LONG_MINUTES = 45.0
_SUGGESTED = (
    4096  # events of a history at which a Temporal server suggests to continue as new, if it was not told otherwise
)


@dataclass(frozen=True)
class Pace:
    """Times in seconds from the begin of the load on.

    ``linger``: how long an episode stays open after its alert resolved; 0 = as shipped. ``history``: events of a history at
    which an episode continues as new; 0 = as the server has it. ``reference``: where the window of ``window`` seconds begins
    that the last one is compared with. ``growth``: by how much of itself the resident memory of a process may grow from one
    to the other.
    """

    seconds: float
    linger: int
    history: int
    reference: float
    window: float
    growth: float

    @property
    def longest_history(self) -> int:
        """The events that no history may exceed: it continues as new at the next quiet moment after the suggestion."""
        return 2 * (self.history or _SUGGESTED)


def pace(minutes: float) -> Pace:
    """Return the pace of a soak of so many minutes.

    From 45 minutes on nothing is changed in Lumen, and minutes 15 to 17 are compared with the last two. Shorter: episodes
    close 20 s after they are resolved and histories continue as new at 200 events, so that both are seen; what is
    compared begins at 40 % of the time, and memory may grow by a quarter, since caches are still filling.
    """
    seconds = minutes * 60
    if minutes >= _LONG_MINUTES:
        return Pace(seconds, linger=0, history=0, reference=15 * 60, window=120, growth=0.10)
    return Pace(seconds, linger=20, history=200, reference=0.4 * seconds, window=0.15 * seconds, growth=0.25)
