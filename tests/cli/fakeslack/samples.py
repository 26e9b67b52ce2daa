"""Blocks, views and a clock for the tests of the stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from cli.fakeslack import FakeSlack


@dataclass
class Clock:
    """A clock that stands still until somebody moves it."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return self.now


def words(count: int, kind: str = "plain_text") -> dict[str, Any]:
    """Return a text object with so many characters."""
    return {"type": kind, "text": "x" * count}


def button(**changes: Any) -> dict[str, Any]:
    """Return a button."""
    return {"type": "button", "action_id": "go", "text": words(2), **changes}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    """Return an actions block."""
    return {"type": "actions", "block_id": "a", "elements": list(elements)}


def confirm(**changes: Any) -> dict[str, Any]:
    """Return an actions block whose button asks back."""
    asking = {"title": words(1), "text": words(1), "confirm": words(1), "deny": words(1), **changes}
    return actions(button(confirm=asking))


def asking(**element: Any) -> dict[str, Any]:
    """Return an input block for a reason."""
    inside = {"type": "plain_text_input", "action_id": "reason", **element}
    return {"type": "input", "block_id": "reason", "label": {"type": "plain_text", "text": "Why"}, "element": inside}


def modal(**changes: Any) -> dict[str, Any]:
    """Return a modal that asks for a reason."""
    return {"type": "modal", "title": words(5), "submit": words(5), "blocks": [asking()], **changes}


async def call(slack: FakeSlack, method: str, *, token: str = "", **arguments: Any) -> dict[str, Any]:
    """Call a method as the SDK does and return the answer, whether it is ok or not."""
    verb = "GET" if method.startswith(("bots.", "users.", "conversations.")) else "POST"
    given: dict[str, Any] = {"params" if verb == "GET" else "json": arguments}
    client = AsyncWebClient(token=token or slack.bot_token, base_url=slack.api_url + "/", retry_handlers=[])
    try:
        answer = await client.api_call(method, http_verb=verb, **given)
    except SlackApiError as error:
        answer = error.response
    assert isinstance(answer.data, dict)
    return answer.data
