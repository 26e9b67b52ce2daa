"""Ballots in Slack: a person presses a button, fills in the form, and reads what they alone are told."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from cli.fakeslack import Delivery, FakeSlack, Message, User, View

SAID = {
    "Your approval is recorded": 200,
    "Your rejection is recorded": 200,
    "Your vote is stored safely": 202,
    "Your vote was NOT recorded": 409,
}
"""What a person is told, as the status that the API has for the same. Everything else leaves it open."""

_MESSAGE_SECONDS = 2.0
_FORM_SECONDS = 3.0
_TOLD_SECONDS = 6.0


class Clicks:
    """People in ``slack``, whose interactions go to what ``api`` returns."""

    def __init__(self, slack: FakeSlack, api: Callable[[], str]) -> None:
        """Nobody has pressed anything yet."""
        self._slack, self._api = slack, api
        self._unsure: set[str] = set()

    async def cast(self, record: dict[str, Any]) -> None:
        """Cast the ballot in ``record``; sets ``sent`` once it is, ``stamp`` (its time for Slack) and ``status``."""
        user = next(user for user in self._slack.state.users.values() if user.email == record["actor"])
        button = f"lumen.{record['decision']}"
        if not await self._until(lambda: self._find(record["key"], button), _MESSAGE_SECONDS):
            return
        if record["decision"] == "reject":
            await self._reject(user, record)
            return
        record["sent"] = True
        clicked = await self._press(user, record["key"], button)
        if clicked is not None:
            record["stamp"] = float(clicked.payload["actions"][0]["action_ts"])
            record["status"] = await self._told(clicked)

    def _find(self, key: str, button: str) -> Message | None:
        """Return the newest message that has this button for this episode."""
        return next((one for one in reversed(self._slack.messages()) if _has(one, button, key)), None)

    async def _press(self, user: User, key: str, button: str) -> Delivery | None:
        message = self._find(key, button)
        if message is None:
            return None
        self._slack.request_url = f"{self._api()}/slack/interaction"
        return await self._slack.click(user, message, button)

    async def _until(self, look: Callable[[], Any], seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            return bool(await self._slack.until(look, seconds))
        return False

    async def _told(self, clicked: Delivery) -> int | None:
        """Return what the clicker is told in the end, as a status; None if they may not know."""
        url = str(clicked.payload["response_url"]).rpartition("/")[2]

        def said() -> int | None:
            texts = [one.text for one in self._slack.ephemerals() if one.url == url]
            found = [status for text in texts for begin, status in SAID.items() if text.startswith(begin)]
            return found[-1] if found else None

        await self._until(said, _TOLD_SECONDS)
        return said()

    async def _reject(self, user: User, record: dict[str, Any]) -> None:
        """Press Reject and fill in the form; without a form nothing is sent."""
        slack, before = self._slack, len(self._slack.state.ephemerals)

        def forms() -> list[View]:
            # One that opened too late for an earlier press is about another episode.
            views = slack.views(user)
            return [view for view in views if json.loads(view.body["private_metadata"])["k"] == record["key"]]

        await self._press(user, record["key"], "lumen.reject")
        if not await self._until(forms, _FORM_SECONDS):
            return
        view = forms()[-1]
        slack.request_url = f"{self._api()}/slack/interaction"
        record["sent"] = True
        await slack.submit(view, {"reason": record["reason"]})
        if view.open:
            slack.dismiss(view)
            record["status"] = 409 if view.errors else None
            return

        def recorded() -> bool:
            later = slack.state.ephemerals[before:]
            return any(one.user == user.id and one.text.startswith("Your rejection is recorded") for one in later)

        told = await self._until(recorded, _TOLD_SECONDS)
        # What is told late of an earlier rejection must not be taken for the answer to this one.
        record["status"] = 200 if told and user.id not in self._unsure else None
        if not told:
            self._unsure.add(user.id)


def _has(message: Message, button: str, key: str) -> bool:
    """Return whether a message has a button, for this episode."""
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    values = [element["value"] for element in elements if element.get("action_id") == button]
    return any(json.loads(value)["k"] == key for value in values)
