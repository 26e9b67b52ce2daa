"""What people do in Slack, as the payloads that an app gets of it ("Block actions payload", "View payloads")."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from cli.fakeslack.messages import document
from cli.fakeslack.methods import view_document
from cli.fakeslack.state import APP, TEAM, Message, ResponseUrl, State, Trigger, User, Version, View


class NotPossibleError(Exception):
    """A person cannot do this in Slack: there is no such button, or the client refuses the input."""


def find_button(version: Version, action_id: str) -> tuple[dict[str, Any], str]:
    """Return the element with this action id and the id of its block.

    Raises:
        NotPossibleError: there is none.

    """
    for position, block in enumerate(version.blocks):
        inside = [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])]
        for element in inside:
            if element.get("action_id") == action_id:
                return element, block.get("block_id", f"b{position}")
    raise NotPossibleError(f"the message has no {action_id}")


def block_actions(
    state: State, user: User, message: Message, version: Version, action_id: str, origin: str
) -> dict[str, Any]:
    """Return the payload of a click on a button of ``version``; response URLs begin with ``origin``."""
    element, block_id = find_button(version, action_id)
    name, trigger_id, now = secrets.token_hex(8), _trigger(state, user), state.clock()
    state.response_urls[name] = ResponseUrl(user.id, message.channel, message.ts, now)
    shown = document(state, message, metadata=True)
    channel = state.channels[message.channel]
    text = {"text": {**element["text"], "emoji": True}} if "text" in element else {}
    action = {
        name: element[name] for name in ("type", "action_id", "value", "url", "style", "confirm") if name in element
    }
    return {
        **_common("block_actions", user, trigger_id),
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": False,
        },
        "channel": {"id": channel.id, "name": channel.name},
        "message": {**shown, "blocks": [dict(block) for block in version.blocks], "text": version.text},
        "state": {"values": {}},
        "response_url": f"{origin}/actions/{name}",
        "actions": [{**action, "block_id": block_id, **text, "action_ts": f"{now:.6f}"}],
    }


def view_submission(state: State, user: User, view: View, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the payload of a form that was sent; ``values`` maps the ids of blocks to what was typed or chosen.

    Raises:
        NotPossibleError: Slack's client would not send it: the view is closed, or a value is missing or of a wrong length.

    """
    if not view.open:
        raise NotPossibleError("the view is closed")
    inputs = {block.get("block_id", ""): block for block in view.body["blocks"] if block["type"] == "input"}
    if unknown := sorted(set(values) - set(inputs)):
        raise NotPossibleError(f"the view has no input {', '.join(unknown)}: it has {', '.join(inputs)}")
    typed = {
        name: {block["element"]["action_id"]: _typed(block, values.get(name, ""))} for name, block in inputs.items()
    }
    return {
        **_common("view_submission", user, _trigger(state, user)),
        "view": view_document(view, typed),
        "response_urls": [],
    }


def _typed(block: Mapping[str, Any], value: str) -> dict[str, Any]:
    element = block["element"]
    name = block["label"]["text"]
    if not value and not block.get("optional", False):
        raise NotPossibleError(f"{name}: a value is wanted")
    if element["type"] == "static_select":
        chosen = next((option for option in element["options"] if option["value"] == value), None)
        return {"type": "static_select", "selected_option": chosen}
    if value and not element.get("min_length", 0) <= len(value) <= element.get("max_length", 3000):
        raise NotPossibleError(f"{name}: {len(value)} characters are too few or too many")
    return {"type": element["type"], "value": value or None}


def _trigger(state: State, user: User) -> str:
    name = f"{next(state.numbers)}.{int(state.clock())}.{secrets.token_hex(16)}"
    state.triggers[name] = Trigger(user.id, state.clock())
    return name


def _common(kind: str, user: User, trigger_id: str) -> dict[str, Any]:
    return {
        "type": kind,
        "token": "deprecated",
        "api_app_id": APP,
        "trigger_id": trigger_id,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "team": {"id": TEAM, "domain": "example"},
        "enterprise": None,
        "is_enterprise_install": False,
    }
