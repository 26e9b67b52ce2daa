"""An episode on an incoming webhook of Slack, the simple mode: nothing can be rewritten, so each line is a new message.

People decide by a signed link in a button, since Slack sends nothing back to a webhook.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from activities.notification import blocks as kit
from activities.notification.blocks import Message
from activities.notification.calls import SlackCalls
from activities.notification.complaints import Complaints
from activities.notification.errors import Kind, SlackError
from activities.notification.face import Face, face_of, utc
from activities.notification.journal import Journal
from activities.notification.lines import LineWriter
from activities.notification.message import MessageWriter
from lumen.links import Link, link_token, link_url
from lumen.showing import Line, Note, Posted, Shown, ShowRequest

MEDIUM = "webhook"
_CALL_SECONDS = 30.0
_LEAST_SECONDS = 6.0
_PLACE = ""  # a webhook has one channel, whatever the rules say
_WHOLE = {Note.ASKED, Note.REMINDER, Note.ESCALATED}
"""Lines that ask people for something: the whole message goes with them, and a fresh link."""


@dataclass(frozen=True)
class Links:
    """Makes signed links for whoever holds them. ``lifetime`` in seconds; ``clock`` gives seconds since the epoch."""

    base_url: str
    keys: Mapping[str, str] = field(repr=False)
    lifetime: int = 900
    clock: Callable[[], float] = time.time

    def decide(self, document: dict[str, Any]) -> tuple[str, str]:
        """Return a link to decide the request that ``document`` (as it came) shows, and until when it counts."""
        expires = int(self.clock()) + self.lifetime
        link = Link(
            key=str(document["key"]),
            approval_id=str(document["approval"]["id"]),
            digest=str(document["plan"]["digest"]),
            actor="",
            expires=expires,
            jti=secrets.token_urlsafe(16),
        )
        return link_url(self.base_url, link_token(link, self.keys)), utc(datetime.fromtimestamp(expires, UTC))


class WebhookShowing:
    """Shows episodes by one incoming webhook. ``url`` is a secret."""

    def __init__(self, calls: SlackCalls, url: str, links: Links, messages: MessageWriter, lines: LineWriter) -> None:
        self._calls = calls
        self._url = url
        self._links = links
        self._messages = messages
        self._lines = lines
        self._complaints = Complaints()

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()

    async def show(self, request: ShowRequest, journal: Journal) -> Shown:
        """Say each line of ``request``; without one, an episode that was not shown yet is shown.

        Raises:
            SlackError: not all of it is done.

        """
        face = face_of(request.document)
        shown = any(one.medium == MEDIUM for one in request.posted) or journal.posted(_PLACE) is not None
        lines: tuple[Line | None, ...] = request.lines
        if not shown and not any(line.note in _WHOLE for line in request.lines):
            lines = (None, *lines)
        try:
            for line in lines:
                await self._say(line, face, request, journal)
        except SlackError as error:
            if error.kind is Kind.SETUP:
                self._complaints.about("SLACK_WEBHOOK", error.code, request.key)
            raise
        self._complaints.over("SLACK_WEBHOOK")
        return Shown(tuple(Posted(asked, "", "", MEDIUM) for asked in request.channels))

    async def _say(self, line: Line | None, face: Face, request: ShowRequest, journal: Journal) -> None:
        name = line.id if line else "message"
        if journal.did(_PLACE, name):
            return
        message = self._message(line, face, request)
        try:
            await self._post(message, journal)
        except SlackError as error:
            if error.kind is not Kind.MALFORMED:
                raise
            await self._post(self._messages.bare(face, self._decide(face, request)[0]), journal)
        journal.done(_PLACE, name, Posted(_PLACE, "", "", MEDIUM))

    async def _post(self, message: Message, journal: Journal) -> None:
        seconds = journal.seconds(_CALL_SECONDS)
        if seconds < _LEAST_SECONDS:
            raise SlackError(Kind.DOWN, "slow", retry_after=1.0)
        style = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}
        await self._calls.hook(
            self._url, {"text": kit.fallback(message.text), "blocks": message.blocks, **style}, seconds
        )

    def _message(self, line: Line | None, face: Face, request: ShowRequest) -> Message:
        if line is None or line.note is Note.ASKED:
            return self._whole(face, request)
        said = self._lines.text(line)
        if line.note in _WHOLE and face.waiting:
            return Message(said, self._whole(face, request, said).blocks)
        about = kit.section(self._messages.heading(face))
        return Message(said, [about, kit.section(said), *kit.actions(self._messages.details(face))])

    def _whole(self, face: Face, request: ShowRequest, above: str = "") -> Message:
        return self._messages.message(face, *self._decide(face, request), above=above)

    def _decide(self, face: Face, request: ShowRequest) -> tuple[str, str]:
        # The link holds the ids as they are in the document, and not as they are shown.
        return self._links.decide(request.document) if face.waiting and face.digest else ("", "")
