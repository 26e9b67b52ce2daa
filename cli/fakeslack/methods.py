"""The Web API as a table: which method wants which kind of token and scope, and what it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.fakeslack import limits, messages
from cli.fakeslack.answering import Arguments, Refusal
from cli.fakeslack.blocks import faults_of_view
from cli.fakeslack.state import APP, BOT, BOT_USER, TEAM, State, View


@dataclass(frozen=True)
class Method:
    """``scope`` is empty where none is needed; ``app_token``: it wants the token of the app and not that of the bot."""

    run: Callable[[State, Arguments], dict[str, Any]]
    scope: str = ""
    app_token: bool = False


def _auth_test(_state: State, _arguments: Arguments) -> dict[str, Any]:
    return {
        "url": "https://example.slack.com/",
        "team": "Example",
        "user": "lumen",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def _bots_info(state: State, arguments: Arguments) -> dict[str, Any]:
    if arguments.need("bot") != BOT:
        raise Refusal("bot_not_found")
    return {
        "bot": {
            "id": BOT,
            "deleted": False,
            "name": "lumen",
            "updated": int(state.clock()),
            "app_id": APP,
            "user_id": BOT_USER,
            "icons": {},
        }
    }


def _users_info(state: State, arguments: Arguments) -> dict[str, Any]:
    user = state.users.get(arguments.need("user"))
    if user is None:
        raise Refusal("user_not_found")
    profile: dict[str, Any] = {"real_name": user.name, "display_name": user.name, "team": user.team_id}
    # Bots have no address, and an app without the scope is not told of anybody's.
    if user.email and "users:read.email" in state.scopes and not user.is_bot:
        profile["email"] = user.email
    known: dict[str, Any] = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": int(state.clock()),
    }
    if not user.deleted:
        known |= {"is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted}
        known |= {"real_name": user.name, "is_admin": False, "is_owner": False}
    # The field is there for people of other organisations only.
    return {"user": known | ({"is_stranger": True} if user.is_stranger else {})}


def _views_open(state: State, arguments: Arguments) -> dict[str, Any]:
    trigger = state.triggers.get(arguments.need("trigger_id"))
    if trigger is None:
        raise Refusal("invalid_trigger_id", "a trigger id that nobody was given")
    if trigger.used:
        raise Refusal("exchanged_trigger_id", "one trigger id used for two views")
    if state.clock() - trigger.at > limits.TRIGGER_SECONDS:
        raise Refusal("expired_trigger_id", f"views.open came {state.clock() - trigger.at:.1f} s after the click")
    body = checked_view(arguments)
    trigger.used = True
    view = View(f"V{next(state.numbers):08d}", trigger.user, body, _hash(state))
    state.views[view.id] = view
    return {"view": view_document(view)}


def _views_update(state: State, arguments: Arguments) -> dict[str, Any]:
    name, external = arguments.text("view_id"), arguments.text("external_id")
    by_external = (one for one in state.views.values() if external and one.body.get("external_id") == external)
    view = state.views.get(name) or next(by_external, None)
    if view is None or not view.open:
        raise Refusal("not_found")
    if arguments.text("hash") not in {"", view.hash}:
        raise Refusal("hash_conflict")
    view.body, view.hash = checked_view(arguments), _hash(state)
    return {"view": view_document(view)}


def checked_view(arguments: Arguments) -> dict[str, Any]:
    """Return the view of a call.

    Raises:
        Refusal: ``invalid_arguments`` with every fault, or ``view_too_large``.

    """
    view = arguments.json("view", "invalid_arguments")
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES:
        raise Refusal("view_too_large", f"the view has more than {limits.VIEW_BYTES} bytes")
    if faults := faults_of_view(view):
        raise Refusal.of_faults("invalid_arguments", faults)
    return dict(view)


def view_document(view: View, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a view as Slack gives it to apps; ``values`` are those of its inputs."""
    empty = {"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": False}
    return {
        "id": view.id,
        "team_id": TEAM,
        "app_id": APP,
        "bot_id": BOT,
        "hash": view.hash,
        "root_view_id": view.id,
        "previous_view_id": None,
        "state": {"values": values or {}},
        **empty,
        **view.body,
    }


def _hash(state: State) -> str:
    return f"{int(state.clock())}.{next(state.numbers):08x}"


def _nothing(_state: State, _arguments: Arguments) -> dict[str, Any]:
    return {}


CONNECT = "apps.connections.open"
METHODS = {
    "auth.test": Method(_auth_test),
    "bots.info": Method(_bots_info, "users:read"),
    "chat.postMessage": Method(messages.post, "chat:write"),
    "chat.update": Method(messages.update, "chat:write"),
    "chat.postEphemeral": Method(messages.show_to_one, "chat:write"),
    "conversations.history": Method(messages.history),
    "conversations.replies": Method(messages.replies),
    "users.info": Method(_users_info, "users:read"),
    "views.open": Method(_views_open),
    "views.update": Method(_views_update),
    # The address of the socket is added by the server, which knows its own.
    CONNECT: Method(_nothing, app_token=True),
}
"""Every method that this stand-in knows. The scopes of reading conversations depend on the channel."""
