"""Casting one vote of Slack's within the time that Slack waits, and finding out afterwards where that was too short."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from api.ballots import Choice, Voice, cast_vote
from api.edge import Edge
from api.errors import EpisodeClosedError, NoWorkerError, UnknownEpisodeError, UnreachableError
from api.ports import Description, Episodes, Filters, Page
from api.slack import answers
from api.slack.answers import Answer
from api.slack.clicks import Clicker, Subject
from api.slack.desk import SlackDesk
from api.slack.errors import PersonError, SlackUnreachableError
from api.slack.outcomes import Outcome
from lumen.ballot import Ballot
from lumen.errors import BallotError

OLDEST_SECONDS = 600.0
"""Slack itself gives up after 3 seconds, and its signature after 300: whatever is older was kept by somebody."""

_log = logging.getLogger("lumen.slack")


@dataclass(frozen=True)
class Wish:
    """A vote that somebody wants to cast. ``mark`` is unique for one click or form, ``at`` when the person decided."""

    decision: str
    subject: Subject
    mark: str
    at: datetime
    clicker: Clicker
    reason: str = ""


async def vote(edge: Edge, desk: SlackDesk, wish: Wish, home: str, deadline: float) -> Answer:
    """Cast the vote and return what is known of it at ``deadline`` (of ``time.monotonic``); the person is told the rest later.

    ``home`` is the workspace to which people must belong. Raises nothing.
    """
    if (edge.now() - wish.at).total_seconds() > OLDEST_SECONDS:
        return answers.not_recorded(desk.words, Outcome.INVALID, "late")
    health = desk.aftermath.start(edge.episodes.healthy())
    try:
        actor = await _actor(edge, desk, wish, home, deadline)
    except (PersonError, SlackUnreachableError) as error:
        return _nobody(desk, error)
    # Said at once, because nothing was sent then: it is certain that nothing was recorded.
    known, _ = await asyncio.wait({health}, timeout=desk.pace.probe)
    if known and not health.result():
        return answers.not_recorded(desk.words, Outcome.TEMPORAL_UNREACHABLE, "temporal")
    casting = desk.aftermath.start(_settle(edge, desk, wish, actor))
    done, _ = await asyncio.wait({casting}, timeout=max(0.0, deadline - time.monotonic()))
    if done:
        return casting.result()
    desk.aftermath.start(_tell_later(desk, wish, casting))
    return answers.unsure(desk.words)


async def _actor(edge: Edge, desk: SlackDesk, wish: Wish, home: str, deadline: float) -> str:
    if wish.clicker.team != home:
        raise PersonError("foreign")
    try:
        async with asyncio.timeout(min(desk.pace.person, max(0.0, deadline - time.monotonic()))):
            return await desk.people.person(wish.clicker.user, home, edge.rules().policy)
    except TimeoutError:
        raise SlackUnreachableError("Slack does not say in time who this is") from None


def _nobody(desk: SlackDesk, error: PersonError | SlackUnreachableError) -> Answer:
    _log.warning("a vote by Slack was not recorded: %s", error)
    if isinstance(error, PersonError):
        return answers.not_recorded(desk.words, Outcome.UNIDENTIFIED, f"who.{error.why}")
    return answers.not_recorded(desk.words, Outcome.SLACK_UNREACHABLE, "slack")


async def _settle(edge: Edge, desk: SlackDesk, wish: Wish, actor: str) -> Answer:
    """Cast the vote, again and again while nobody can tell: its id makes it count once. Raises nothing."""
    subject, words = wish.subject, desk.words
    choice = Choice(wish.decision, wish.reason, subject.approval_id, subject.digest)
    at = min(wish.at, edge.now()).isoformat().replace("+00:00", "Z")
    voice = Voice(actor, "slack", "slack", f"slack:{subject.approval_id}:{wish.clicker.user}:{wish.mark}", at=at)
    hurried = replace(edge, episodes=_Hurried(edge.episodes, desk.pace.update))
    until = time.monotonic() + desk.pace.persist
    again = False
    while True:
        try:
            status, tally = await cast_vote(hurried, subject.key, choice, voice)
        except UnreachableError:
            if time.monotonic() > until:
                return answers.unsure(words, "never_known")
            again = True
            await asyncio.sleep(desk.pace.pause)
        except (EpisodeClosedError, UnknownEpisodeError):
            return answers.unsure(words, "closed_meanwhile") if again else answers.refused(words, "closed", actor)
        except BallotError as error:
            if again and error.reason == "closed":
                return answers.unsure(words, "closed_meanwhile")
            return answers.refused(words, error.reason, actor)
        except Exception:  # noqa: BLE001  # the edge of what runs after the answer: the person must hear of it, whatever it is
            _log.exception("a vote by Slack failed")
            return answers.unsure(words, "never_known")
        else:
            return answers.counted(words, tally) if status == 200 else answers.stored(words)


async def _tell_later(desk: SlackDesk, wish: Wish, casting: asyncio.Task[Answer]) -> None:
    answer = await casting
    _log.info("a vote by Slack that took long came to: %s", answer.outcome)
    desk.tell(wish.clicker, answer.text)


class _Hurried:
    """Episodes where a worker has less time to count a vote, so that there is time left to make it durable without one."""

    def __init__(self, episodes: Episodes, seconds: float) -> None:
        self._episodes = episodes
        self._seconds = seconds

    async def vote(self, key: str, ballot: Ballot) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._episodes.vote(key, ballot)
        except TimeoutError:
            raise NoWorkerError("no worker has counted this vote yet") from None

    async def send(self, key: str, signal: str, ballot: Ballot) -> None:
        await self._episodes.send(key, signal, ballot)

    async def status(self, key: str) -> dict[str, Any]:
        return await self._episodes.status(key)

    async def describe(self, key: str) -> Description:
        return await self._episodes.describe(key)

    async def page(self, filters: Filters, limit: int, after: bytes) -> Page:
        return await self._episodes.page(filters, limit, after)

    async def healthy(self) -> bool:
        return await self._episodes.healthy()
