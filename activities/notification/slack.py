"""An episode as a message of a Slack app: posted once in each channel, rewritten as things change, with a thread below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from activities.notification import methods as slack
from activities.notification.blocks import Message, fallback
from activities.notification.calls import SlackCalls
from activities.notification.complaints import Complaints
from activities.notification.errors import Kind, SlackError
from activities.notification.face import Face, face_of
from activities.notification.journal import Journal
from activities.notification.lines import LineWriter
from activities.notification.message import MessageWriter
from lumen.showing import Line, Posted, Shown, ShowRequest

MEDIUM = "slack"
EVENT = "lumen_episode"
"""Type of the metadata of every message; its payload is ``{"key": <episode>, "id": "message" or the id of a line}``."""

MESSAGE = "message"
_CALL_SECONDS = 30.0
_LEAST_SECONDS = 6.0  # a call that has less than a slow Slack needs is not begun
_SKEW = timedelta(minutes=5)
_PAGE = 200
_PAGES = 5
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")
_STYLE = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}


class SlackShowing:
    """Shows episodes by the Web API. ``default_channel`` is where episodes without a channel go, a name or an id."""

    def __init__(self, calls: SlackCalls, default_channel: str, messages: MessageWriter, lines: LineWriter) -> None:
        self._calls = calls
        self._default = default_channel
        self._messages = messages
        self._lines = lines
        self._ids: dict[str, str] = {}
        self._complaints = Complaints()

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()

    async def show(self, request: ShowRequest, journal: Journal) -> Shown:
        """Show ``request`` in each of its channels.

        A channel that cannot be used (the app is not in it) holds up no other: it is tried again with the next request. If
        there is no other, or Slack limits or is down, the request has to be tried again.

        Raises:
            SlackError: not all of it is done.

        """
        face = face_of(request.document)
        journal.doubt_if_late(min((line.at for line in request.lines if line.at), default=None))
        known = {one.asked: one for one in request.posted}
        failed: list[SlackError] = []
        for asked in request.channels:
            try:
                known[asked] = await self._follow(asked, known.get(asked), face, request, journal)
                self._complaints.over(asked)
            except SlackError as error:
                failed.append(error)
                if error.kind is Kind.DOWN:
                    break  # the others would wait for the same silence
                if error.kind is Kind.SETUP:
                    self._complaints.about(asked or self._default, error.code, request.key)
        urgent = [error for error in failed if error.kind is not Kind.SETUP]
        if urgent or len(failed) == len(request.channels) > 0:
            raise (urgent or failed)[0]
        return Shown(tuple(known[asked] for asked in request.channels if asked in known))

    async def _follow(
        self, asked: str, known: Posted | None, face: Face, request: ShowRequest, journal: Journal
    ) -> Posted:
        channel = asked or self._default
        if not channel:
            raise SlackError(Kind.SETUP, "no_channel")
        place = journal.posted(asked) or (known if known and known.medium == MEDIUM and known.ts else None)
        if place is None or not journal.did(asked, MESSAGE):
            place = await self._place(asked, channel, place, face, journal)
            journal.done(asked, MESSAGE, place)
        left = [line for line in request.lines if not journal.did(asked, line.id)]
        said = await self._said(place, request.key, journal) if left and journal.doubtful else set()
        for line in left:
            if line.id not in said:
                await self._say(place, line, request.key, journal)
            journal.done(asked, line.id)
        return place

    async def _place(self, asked: str, channel: str, place: Posted | None, face: Face, journal: Journal) -> Posted:
        """Bring the message up to date where it stands; post it if it stands nowhere or somebody deleted it."""
        if place is not None and await self._rewrite(place, face, journal):
            return place
        if journal.doubtful:
            for ts, found in await self._find(channel, face.key, journal):
                again = Posted(asked, found, ts, MEDIUM)
                if await self._rewrite(again, face, journal):
                    return again
        body = {"channel": channel, **_STYLE, "metadata": _metadata(face.key, MESSAGE)}
        answer = await self._write(slack.POST, body, face, journal)
        self._ids[channel] = str(answer.get("channel", ""))
        return Posted(asked, self._ids[channel], str(answer.get("ts", "")), MEDIUM)

    async def _rewrite(self, place: Posted, face: Face, journal: Journal) -> bool:
        body = {"channel": place.channel, "ts": place.ts, "parse": "none", "metadata": _metadata(face.key, MESSAGE)}
        try:
            await self._write(slack.UPDATE, body, face, journal)
        except SlackError as error:
            if error.kind is Kind.GONE:
                return False
            raise
        return True

    async def _write(self, method: str, body: dict[str, Any], face: Face, journal: Journal) -> Any:
        try:
            return await self._send(method, {**body, **_content(self._messages.message(face))}, journal)
        except SlackError as error:
            if error.kind is not Kind.MALFORMED:
                raise
        # People who are not asked cannot decide: better a message with little in it than none.
        return await self._send(method, {**body, **_content(self._messages.bare(face))}, journal)

    async def _say(self, place: Posted, line: Line, key: str, journal: Journal) -> None:
        body = {"channel": place.channel, "thread_ts": place.ts, **_STYLE, **_content(self._lines.message(line))}
        body |= {"metadata": _metadata(key, line.id)} | ({"reply_broadcast": True} if line.loud else {})
        try:
            await self._send(slack.POST, body, journal)
        except SlackError as error:
            if error.kind is not Kind.GONE:
                raise
            journal.forget(place.asked, MESSAGE)  # deleted just now: the next try posts it anew
            raise SlackError(Kind.DOWN, error.code) from None

    async def _said(self, place: Posted, key: str, journal: Journal) -> set[str]:
        """Return the ids of the lines that are in the thread already, as far as the app may read it."""
        params = {"channel": place.channel, "ts": place.ts}
        return {_id_of(one, key) for one in await self._read(slack.REPLIES, params, journal)}

    async def _find(self, channel: str, key: str, journal: Journal) -> list[tuple[str, str]]:
        """Return time stamp and channel id of the messages of this episode since the request began, newest first."""
        channel_id = self._ids.get(channel) or (channel if _CHANNEL_ID.fullmatch(channel) else "")
        if not channel_id:
            return []  # reading takes an id, and to look up a name takes one more scope
        found = await self._read(slack.HISTORY, {"channel": channel_id}, journal)
        return [(str(one.get("ts", "")), channel_id) for one in found if _id_of(one, key) == MESSAGE]

    async def _read(self, method: str, params: dict[str, Any], journal: Journal) -> list[dict[str, Any]]:
        oldest = f"{(journal.began - _SKEW).timestamp():.6f}"
        asked = {**params, "oldest": oldest, "include_all_metadata": True, "limit": _PAGE}
        found: list[dict[str, Any]] = []
        for _ in range(_PAGES):
            try:
                answer = await self._calls.ask(method, asked, self._seconds(journal))
            except SlackError as error:
                if error.kind in {Kind.SETUP, Kind.GONE}:
                    return found  # the app may not read here: then a double is possible, and the better of the two
                raise
            found += _messages_in(answer)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
            asked["cursor"] = cursor
        return found

    async def _send(self, method: str, body: dict[str, Any], journal: Journal) -> Any:
        seconds = self._seconds(journal)
        if method == slack.POST:
            journal.begin()
        try:
            return await self._calls.send(method, body, seconds)
        except SlackError as error:
            if not error.done:
                journal.settle()
            raise

    @staticmethod
    def _seconds(journal: Journal) -> float:
        seconds = journal.seconds(_CALL_SECONDS)
        if seconds < _LEAST_SECONDS:
            raise SlackError(Kind.DOWN, "slow", retry_after=1.0)
        return seconds


def _content(message: Message) -> dict[str, Any]:
    return {"text": fallback(message.text), "blocks": message.blocks}


def _metadata(key: str, what: str) -> dict[str, Any]:
    return {"event_type": EVENT, "event_payload": {"key": key, "id": what}}


def _messages_in(answer: Any) -> Iterator[dict[str, Any]]:
    found = answer.get("messages")
    yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def _id_of(message: dict[str, Any], key: str) -> str:
    """Return what a message is in the episode ``key``, nothing if it is of another one or of somebody else."""
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return ""
    payload = metadata.get("event_payload")
    return str(payload.get("id", "")) if isinstance(payload, dict) and payload.get("key") == key else ""
