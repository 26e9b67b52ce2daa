"""How the votes of the demo are cast: by the public interface, in the names of those who are asked at the terminal."""

from __future__ import annotations

from typing import Any, Protocol

from cli.demo.asking import Voters
from cli.demo.calls import Calls
from cli.demo.rulebook import VOTERS
from cli.demo.telling import Teller
from cli.failure import CommandError

_STANDING = {"pending": "nothing runs yet"}


class Voting(Protocol):
    """A way to vote."""

    async def votes(self, key: str) -> dict[str, str]:
        """Return who decided what about the episode once it is decided, and tell each vote as it comes.

        Raises:
            CommandError: it did not go as it must.

        """

    async def afterwards(self, outcome: str) -> dict[str, Any]:
        """Tell what is to be seen where the votes were cast once all is over; return what was found, for programs."""


class ByApi:
    """Votes as ``lumen approve`` and ``lumen reject`` do, in the names of ``voters``."""

    def __init__(self, calls: Calls, teller: Teller, voters: Voters) -> None:
        """Tell through ``teller`` how the vote stands."""
        self._calls, self._tell, self._voters = calls, teller, voters

    async def votes(self, key: str) -> dict[str, str]:
        """Ask for one vote after the other and cast it; see :class:`Voting`."""
        cast: dict[str, str] = {}
        for number, actor in enumerate(VOTERS, 1):
            decision = "approve" if await self._voters.approves(actor) else "reject"
            answer = await self._calls.vote(key, decision, actor, f"{decision} in lumen demo")
            cast[actor] = decision
            if decision == "reject":
                break
            # A vote that no worker has counted yet has no status; what became of it shows in the next step.
            status = str(answer.body.get("status", "recorded"))
            if status == "approved" and number < len(VOTERS):
                raise CommandError(f"approved after {number} of {len(VOTERS)} votes")
            self._tell.say(f"{number} of {len(VOTERS)}: {_STANDING.get(status, status)}.")
        return cast

    async def afterwards(self, _outcome: str) -> dict[str, Any]:
        """Tell nothing: a terminal keeps no message."""
        return {}
