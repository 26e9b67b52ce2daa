"""Says in the log what somebody has to put right in Slack or in the settings, and does not say it a thousand times."""

from __future__ import annotations

import logging
import time

from activities.notification.errors import fix_of
from lumen.display import printable, truncate

_LOG = logging.getLogger("lumen.slack")
_AGAIN = 300.0  # seconds


class Complaints:
    """One line for each channel and problem, again after five minutes."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], float] = {}

    def about(self, channel: str, code: str, key: str) -> None:
        """Say that the episode ``key`` could not be shown in ``channel``, and what helps."""
        now = time.monotonic()
        if now - self._said.get((channel, code), -_AGAIN) < _AGAIN:
            return
        self._said[channel, code] = now
        shown = truncate(printable(channel), 80) or "SLACK_CHANNEL"
        _LOG.error("Slack: %s: %s: %s", shown, code, fix_of(code), extra={"alert_key": key})

    def over(self, channel: str) -> None:
        """Forget what was wrong with ``channel``, so that it is said at once if it comes back."""
        for said in [pair for pair in self._said if pair[0] == channel]:
            del self._said[said]
