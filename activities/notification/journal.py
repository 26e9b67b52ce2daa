"""What earlier tries of one request got done, so that a retry neither says it twice nor leaves it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity

from lumen.showing import Posted

_MARGIN = 2.0
"""Seconds before the end of an activity in which nothing is begun any more, so that what was done gets noted."""

_LATE = timedelta(minutes=2)


class Journal:
    """Kept in the heartbeat of the activity: a list of what is done, and what was being done when a try broke off.

    ``note`` takes the whole journal as JSON data. ``began`` is when the request was first made, ``ends`` (monotonic) when
    this try must be over.
    """

    def __init__(
        self,
        note: Callable[[dict[str, Any]], None],
        earlier: dict[str, Any] | None = None,
        *,
        retried: bool = False,
        began: datetime | None = None,
        ends: float = float("inf"),
    ) -> None:
        """Without ``earlier`` in a request that is ``retried`` nothing is known, and everything may have been done."""
        found = earlier if isinstance(earlier, dict) else {}
        self._note = note
        self._posted = {str(one[0]): Posted(*map(str, one)) for one in found.get("posted", [])}
        self._done = {(str(one[0]), str(one[1])) for one in found.get("done", [])}
        # Heartbeats are held back but for the first and, when a try ends by itself, the last: see `over`.
        self._trying = bool(found.get("trying")) or (retried and not found.get("over"))
        self._doubted = self._trying
        self._over = False
        self.began = began or datetime.now(UTC)
        self._ends = ends

    @property
    def doubtful(self) -> bool:
        """Whether an earlier try may have done more than the journal says."""
        return self._doubted

    def doubt_if_late(self, at: datetime | None) -> None:
        """Doubt the first try of a request about something that happened ``at`` if that was asked for before, in vain."""
        if at is not None and self.began - at > _LATE:
            self._doubted = True
            self.began = at

    def posted(self, asked: str) -> Posted | None:
        """Return where an earlier try posted the message of a channel."""
        return self._posted.get(asked)

    def did(self, asked: str, what: str) -> bool:
        """Return whether ``what`` (the message or the id of a line) is done in the channel ``asked``."""
        return (asked, what) in self._done

    def begin(self) -> None:
        """Note that from now on something is done whose outcome may stay unknown."""
        if not self._trying:
            self._trying = True
            self._keep()

    def settle(self) -> None:
        """Note that the outcome of what was begun is known."""
        if self._trying and not self._doubted:
            self._trying = False
            self._keep()

    def done(self, asked: str, what: str, posted: Posted | None = None) -> None:
        """Note that ``what`` is done in a channel, and where its message stands."""
        self._done.add((asked, what))
        if posted is not None:
            self._posted[asked] = posted
        self._trying = self._doubted
        self._keep()

    def over(self) -> None:
        """Note that this try ends by itself, and that the journal has all that it did."""
        self._over = True
        self._keep()

    def forget(self, asked: str, what: str) -> None:
        """Note that ``what`` has to be done again."""
        self._done.discard((asked, what))
        self._keep()

    def seconds(self, most: float) -> float:
        """Return how long a call may take: at most ``most`` seconds, 0 or less when this try has to end."""
        return min(most, self._ends - time.monotonic() - _MARGIN)

    def _keep(self) -> None:
        self._note(
            {
                "posted": [[one.asked, one.channel, one.ts, one.medium] for one in self._posted.values()],
                "done": sorted(list(pair) for pair in self._done),
                "trying": self._trying,
                "over": self._over,
            }
        )


def journal_of_activity() -> Journal:
    """Return the journal of the activity that runs; raises ``RuntimeError`` outside of one."""
    info = activity.info()
    earlier: Sequence[Any] = info.heartbeat_details
    limit = info.start_to_close_timeout
    return Journal(
        activity.heartbeat,
        earlier[0] if earlier else None,
        retried=info.attempt > 1,
        began=info.scheduled_time,
        ends=time.monotonic() + limit.total_seconds() if limit else float("inf"),
    )
