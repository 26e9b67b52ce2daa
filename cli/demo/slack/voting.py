"""Votes that are cast in the stand-in for Slack: by a person on its page, or by the demo itself (``--yes``)."""

from __future__ import annotations

import asyncio
from html import unescape
from typing import Any

from cli.demo.calls import Calls
from cli.demo.rulebook import VOTERS
from cli.demo.slack.workspace import Workspace
from cli.demo.telling import Teller
from cli.failure import CommandError
from cli.fakeslack import Message
from lumen.outcome import State
from lumen.wording import Wording

APPROVE, REJECT = "lumen.approve", "lumen.reject"
_PATIENCE = 30.0
_PAUSE = 0.2


class InSlack:
    """Waits for votes from the channel of ``workspace``. With ``unattended`` it clicks as both voters itself."""

    def __init__(self, calls: Calls, teller: Teller, workspace: Workspace, *, unattended: bool) -> None:
        """Tell through ``teller``."""
        self._calls, self._tell, self._workspace, self._unattended = calls, teller, workspace, unattended
        self._told = 0

    async def votes(self, key: str) -> dict[str, str]:
        """Wait for the message, then for the votes; see :class:`cli.demo.voting.Voting`."""
        slack = self._workspace.slack
        try:
            await slack.until(self._asked, _PATIENCE)
        except TimeoutError as error:
            raise CommandError(f"no message that asks for approval was posted: {error}") from None
        self._tell.say("Lumen has posted a message with buttons. This page stands in for Slack, on this machine only:")
        self._tell.raw(self._workspace.url)
        if self._unattended:
            for number, actor in enumerate(VOTERS, 1):
                await self._click(actor)
                if number < len(VOTERS) and (await self._calls.status(key))["state"] != State.AWAITING_APPROVAL:
                    raise CommandError(f"decided after {number} of {len(VOTERS)} votes")
        else:
            self._tell.say(f"Open it and approve as {' and as '.join(VOTERS)}, or reject. Waiting for you ...")
        while (await self._calls.status(key))["state"] == State.AWAITING_APPROVAL:
            self._tell_answers()
            await asyncio.sleep(_PAUSE)
        self._tell_answers()
        return self._cast()

    async def afterwards(self, outcome: str) -> dict[str, Any]:
        """Tell what the message says in the end; see :class:`cli.demo.voting.Voting`.

        Raises:
            CommandError: the message is not about the outcome, still asks, or Lumen did what Slack does not take.

        """
        slack, wanted = self._workspace.slack, Wording("en")(f"slack.outcome.{outcome}")
        message = self._message()
        try:
            await slack.until(lambda: wanted in message.text and self._asked() is None, _PATIENCE)
        except TimeoutError:
            raise CommandError(f"the message in Slack does not say {wanted!r} but {message.text!r}") from None
        if slack.violations:
            raise CommandError(f"Slack would not take what Lumen did: {slack.violations[0].what}")
        replies = [reply.text for reply in slack.thread(message)]
        changes = len(message.versions) - 1
        self._tell.say(f"In the stand-in for Slack, one message was rewritten {changes} times, and now says: {wanted}.")
        self._tell.say(f"Its thread has {len(replies)} lines, and no button is left that could be clicked.")
        return {"page": self._workspace.url, "text": message.text, "versions": len(message.versions), "thread": replies}

    def _message(self) -> Message:
        return self._workspace.slack.messages(self._workspace.channel.id)[0]

    def _asked(self) -> Message | None:
        """Return the message that can be approved now."""
        found = self._workspace.slack.messages(self._workspace.channel.id)
        return next((one for one in found if APPROVE in one.actions()), None)

    async def _click(self, actor: str) -> None:
        slack, user = self._workspace.slack, self._workspace.people[actor]
        message = await slack.until(self._asked, _PATIENCE)
        delivery = await slack.click(user, message, APPROVE)
        if not delivery.ok:
            raise CommandError(f"{actor} clicked Approve and Slack would show an error: {delivery.failure}")
        self._tell.say(f"{actor} clicks Approve there, by --yes: acknowledged after {delivery.seconds:.1f} s.")
        try:
            await slack.until(lambda: slack.ephemerals(user), _PATIENCE)
        except TimeoutError:
            raise CommandError(f"{actor} clicked Approve and was not told what became of it") from None
        self._tell_answers()

    def _tell_answers(self) -> None:
        """Tell what Lumen has answered to each click, once."""
        answers = self._workspace.slack.ephemerals()
        emails = {user.id: email for email, user in self._workspace.people.items()}
        for answer in answers[self._told :]:
            self._tell.say(f"Slack shows to {emails[answer.user]} alone: {unescape(answer.text)}")
        self._told = len(answers)

    def _cast(self) -> dict[str, str]:
        """Return what was clicked, the last click of each person: what the ledger must say."""
        emails = {user.id: email for email, user in self._workspace.people.items()}
        cast: dict[str, str] = {}
        for delivery in self._workspace.slack.deliveries:
            clicked = [action["action_id"] for action in delivery.payload.get("actions", ())]
            rejects = delivery.payload.get("view", {}).get("callback_id") == REJECT and not delivery.answer
            if delivery.ok and (APPROVE in clicked or rejects):
                cast[emails[delivery.user]] = "reject" if rejects else "approve"
        return cast
