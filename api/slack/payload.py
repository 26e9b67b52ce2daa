"""Interactions as Slack sends them: https://docs.slack.dev/reference/interaction-payloads/. What is not used is not looked at.

Everything is bounded and typed here, whoever signed it: a value may come from a button that another version made.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from api.body import json_type, parse_json
from api.errors import PayloadError
from api.slack.clicks import Clicker, Origin, Press, Subject, Submission
from lumen.ballot import Decision

APPROVE, REJECT = "lumen.approve", "lumen.reject"
REASON_BLOCK = REASON_ACTION = "reason"
KEY = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_STAMP = re.compile(r"([0-9]{1,10})\.([0-9]{6})")
_SHORT = re.compile(r"[!-~]{1,200}")
_MOST_FIELDS = 20


def read_form(body: bytes) -> Any:
    """Return the JSON in the field ``payload`` of a form; raises :class:`PayloadError`."""
    try:
        fields = parse_qs(body.decode("utf-8"), errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # UnicodeDecodeError is one
        raise PayloadError("the body is not a form in UTF-8 with the field payload") from None
    found = fields.get("payload", [])
    if len(found) != 1:
        raise PayloadError("the form must hold the field payload exactly once")
    return parse_json(found[0].encode("utf-8"))


def origin_of(payload: Any) -> Origin:
    """Return where an interaction comes from; raises :class:`PayloadError`."""
    root = _object(payload, "the payload")
    return Origin(_text(_part(root, "team"), "id", _ID), _text(root, "api_app_id", _ID))


def clicker_of(payload: dict[str, Any]) -> Clicker:
    """Return who did it; raises :class:`PayloadError`."""
    user = _part(payload, "user")
    channel, url = _maybe(payload, "channel").get("id"), payload.get("response_url")
    return Clicker(
        user=_text(user, "id", _ID),
        team=_text(user, "team_id", _ID) if user.get("team_id") else _text(_part(payload, "team"), "id", _ID),
        channel=channel if isinstance(channel, str) and _ID.fullmatch(channel) else "",
        response_url=url if isinstance(url, str) and len(url) <= 2000 else "",
    )


def read_press(payload: dict[str, Any]) -> Press | None:
    """Return the press of a button that decides, None for any other element; raises :class:`PayloadError`."""
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions:
        raise PayloadError('"actions" must be a list of at least one action')
    action = _object(actions[0], "an action")
    decision = {APPROVE: Decision.APPROVE, REJECT: Decision.REJECT}.get(str(action.get("action_id")))
    if decision is None:
        return None
    stamp = _text(action, "action_ts", _STAMP)
    message = _maybe(payload, "container").get("message_ts")
    return Press(
        decision=decision,
        subject=_subject(_inner(action, "value")),
        stamp=stamp,
        at=moment_of(stamp),
        trigger=_text(payload, "trigger_id", _SHORT) if decision is Decision.REJECT else "",
        message=message if isinstance(message, str) and _STAMP.fullmatch(message) else "",
        clicker=clicker_of(payload),
    )


def read_submission(payload: dict[str, Any]) -> Submission | None:
    """Return the form that was sent, None if it is not ours; raises :class:`PayloadError`."""
    view = _part(payload, "view")
    if view.get("callback_id") != REJECT:
        return None
    kept = _inner(view, "private_metadata")
    values = _maybe(_maybe(view, "state"), "values")
    reason = _maybe(_maybe(values, REASON_BLOCK), REASON_ACTION).get("value")
    if reason is not None and not isinstance(reason, str):
        raise PayloadError(f"the reason must be a string, not {json_type(reason)}")
    clicker = clicker_of(payload)
    channel = kept.get("channel")
    return Submission(
        view=_text(view, "id", _ID),
        subject=_subject(kept),
        reason=(reason or "").strip(),
        opened=moment_of(_text(kept, "at", _STAMP)),
        clicker=Clicker(clicker.user, clicker.team, channel if isinstance(channel, str) else ""),
    )


def kept_in_form(press: Press) -> str:
    """Return what the form must keep for :func:`read_submission`; less than 1000 characters."""
    subject = press.subject
    kept = {"k": subject.key, "a": subject.approval_id, "d": subject.digest}
    return json.dumps(kept | {"channel": press.clicker.channel, "ts": press.message, "at": press.stamp})


def moment_of(stamp: str) -> datetime:
    """Return the moment of a time stamp of Slack's, exact to the microsecond; raises :class:`PayloadError`."""
    found = _STAMP.fullmatch(stamp)
    if found is None:
        raise PayloadError("a time stamp looks like 1763801000.000100")
    return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=int(found[2]))


def _subject(values: dict[str, Any]) -> Subject:
    return Subject(_text(values, "k", KEY), _text(values, "a", _SHORT), _text(values, "d", _SHORT))


def _inner(values: dict[str, Any], name: str) -> dict[str, Any]:
    text = values.get(name)
    if not isinstance(text, str):
        raise PayloadError(f'"{name}" must be a string, not {json_type(text)}')
    return _object(parse_json(text.encode("utf-8", "surrogatepass")), f'"{name}"')


def _part(values: dict[str, Any], name: str) -> dict[str, Any]:
    return _object(values.get(name), f'"{name}"')


def _maybe(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PayloadError(f"{what} must be a JSON object, not {json_type(value)}")
    return value


def _text(values: dict[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise PayloadError(f'"{name}" is missing or not what Slack or Lumen puts there')
    return value
