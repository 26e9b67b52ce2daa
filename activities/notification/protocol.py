"""What a channel on which people follow episodes must do."""

from __future__ import annotations

from typing import Protocol

from activities.notification.journal import Journal
from lumen.showing import Shown, ShowRequest


class EpisodeShowing(Protocol):
    """One message for each episode, rewritten, and lines below it."""

    async def show(self, request: ShowRequest, journal: Journal) -> Shown:
        """Show ``request``; what ``journal`` has as done is not done again.

        Raises:
            SlackError: not all of it is done; the same request again goes on from the journal.

        """

    async def close(self) -> None:
        """Let go of connections."""
