"""What the edge needs to deal with Slack: one object, there if Slack is configured."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from api.slack.aftermath import Aftermath
from api.slack.answers import ephemeral
from api.slack.calls import SlackCalls
from api.slack.clicks import Clicker
from api.slack.errors import SlackRefusedError, SlackUnreachableError
from api.slack.home import HomeFinder
from api.slack.people import People
from api.slack.signature import Signatures
from lumen.wording import Wording

_TELL_SECONDS = 10.0
_TELL_TRIES = 5
_LONGEST_PAUSE = 30.0
_log = logging.getLogger("lumen.slack")


@dataclass(frozen=True)
class Pace:
    """How long things may take, in seconds. Slack waits 3 for an answer, and so long lives the id that opens a form.

    ``whole`` is from the click's arrival to the answer, ``person`` the part in which the person must be known, ``update``
    the part that a counting worker has before the vote is left as a signal, ``probe`` how long a vote waits for Temporal's
    health, ``persist`` how long an open vote is tried again after the answer, ``pause`` between two such trials.
    """

    whole: float = 1.9
    person: float = 1.2
    form: float = 1.7
    update: float = 1.0
    probe: float = 0.3
    persist: float = 30.0
    pause: float = 1.0


@dataclass(frozen=True)
class SlackDesk:
    """``signatures`` is None where no signing secret is set: then clicks come by Socket Mode alone."""

    calls: SlackCalls
    home: HomeFinder
    people: People
    words: Wording
    signatures: Signatures | None = None
    aftermath: Aftermath = field(default_factory=Aftermath)
    pace: Pace = field(default_factory=Pace)

    def tell(self, clicker: Clicker, text: str) -> None:
        """Say ``text`` to whoever clicked, as a message that only they see; returns at once."""
        self.aftermath.start(self._tell(clicker, text))

    async def close(self, seconds: float = 5.0) -> None:
        """Let what is going on end within ``seconds``, then end it."""
        await self.aftermath.close(seconds)
        await self.people.close()
        await self.home.close()

    async def _tell(self, clicker: Clicker, text: str) -> None:
        pause = 1.0
        for _ in range(_TELL_TRIES):
            try:
                await self._say(clicker, text)
            except SlackUnreachableError as error:
                await asyncio.sleep(min(error.retry_after or pause, _LONGEST_PAUSE))
                pause *= 2
            except SlackRefusedError as error:
                _log.warning("a click could not be answered: %s", error)
                return
            else:
                return
        _log.warning("a click could not be answered: Slack was not there for it")

    async def _say(self, clicker: Clicker, text: str) -> None:
        message = ephemeral(text)
        if clicker.response_url and self.calls.trusts(clicker.response_url):
            try:
                body = {"response_type": "ephemeral", "replace_original": False, **message}
                await self.calls.respond(clicker.response_url, _TELL_SECONDS, body)
            except SlackRefusedError:
                pass  # used up or expired: there is another way
            else:
                return
        if not clicker.channel:
            raise SlackRefusedError("an answer", "the click names no channel")
        await self.calls.call(
            "chat.postEphemeral", _TELL_SECONDS, channel=clicker.channel, user=clicker.user, **message
        )
