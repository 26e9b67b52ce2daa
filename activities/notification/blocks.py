"""Block Kit objects that Slack takes whatever text goes into them. Pure. Limits: Slack's reference of Block Kit.

There is no ``mrkdwn`` here: ``plain_text`` with ``emoji`` off and rich text show every character as it is, so that no label
can be markup, a mention or a link.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lumen.display import ELLIPSIS, printable

Block = dict[str, Any]

HEADER = 150
SECTION = 3000
FIELD = 2000
FIELDS = 10
BUTTON = 75
URL = 3000
VALUE = 2000
IDENTIFIER = 255
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
FALLBACK = 1000
"""Top-level text: Slack would take more, but a notification shows a line or two."""

ALL_BLOCKS = 12_000
"""Slack refuses a message from about 13,200 on and does not say how it counts. This counts the JSON as it is sent."""

_COSTS = {"&": 5, "<": 4, ">": 4}


@dataclass(frozen=True)
class Message:
    """A message: blocks, and the text that stands for them in a notification."""

    text: str
    blocks: list[Block]


@dataclass(frozen=True)
class Confirm:
    """The question behind a button."""

    title: str
    text: str
    yes: str
    no: str


def cut(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` of Slack's characters, ending in an ellipsis where it was cut.

    It is not public whether Slack counts before or after it escapes, and in which units: this counts the larger.
    """
    costs = [_COSTS.get(char, 1 if ord(char) <= 0xFFFF else 2) for char in text[: limit + 1]]
    if sum(costs) <= limit:
        return text
    room, kept = limit - len(ELLIPSIS), 0
    for cost in costs:
        room -= cost
        if room < 0:
            break
        kept += 1
    return text[:kept] + ELLIPSIS


def plain(text: str, limit: int) -> Block:
    """Return a text object that shows ``text`` as it is; lines stay lines, other control characters become visible."""
    shown = "\n".join(printable(line) for line in text.split("\n"))
    return {"type": "plain_text", "text": cut(shown, limit) if shown.strip() else "-", "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str, limit: int = SECTION) -> Block:
    return {"type": "section", "text": plain(text, min(limit, SECTION))}


def facts(pairs: Iterable[tuple[str, str]]) -> Block:
    """Return names and values in two columns; what is beyond ten is left out."""
    shown = [plain(f"{name}\n{value}", FIELD) for name, value in pairs]
    return {"type": "section", "fields": shown[:FIELDS] or [plain("", FIELD)]}


def context(text: str) -> Block:
    return {"type": "context", "elements": [plain(text, SECTION)]}


def code_parts(title: str, text: str) -> list[Block]:
    """Return parts of a rich text block: a title, and below it ``text`` in fixed width, exactly as it is."""
    parts: list[Block] = []
    if title:
        words = {"type": "text", "text": printable(title), "style": {"bold": True}}
        parts.append({"type": "rich_text_section", "elements": [words]})
    shown = {"type": "text", "text": printable(text) or "-"}
    return [*parts, {"type": "rich_text_preformatted", "elements": [shown]}]


def date_part(before: str, at: datetime, fallback: str) -> Block:
    """Return a part of a rich text block that shows a moment in the time zone of its reader."""
    moment = {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": fallback,
    }
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": before}, moment]}


def rich_text(parts: list[Block]) -> Block:
    return {"type": "rich_text", "elements": parts}


def link_button(text: str, url: str, action_id: str) -> list[Block]:
    """Return a button that opens ``url``, or none if Slack would not take that address."""
    if not url.startswith(("http://", "https://")) or len(url) > URL:
        return []
    return [{"type": "button", "text": plain(text, BUTTON), "action_id": action_id, "url": url}]


def vote_button(text: str, action_id: str, value: str, style: str, confirm: Confirm | None = None) -> Block:
    """Return a button that sends ``value`` back (at most 2000 characters, which the caller sees to)."""
    button = {"type": "button", "text": plain(text, BUTTON), "action_id": action_id, "value": value, "style": style}
    if confirm is not None:
        button["confirm"] = {
            "title": plain(confirm.title, CONFIRM_TITLE),
            "text": plain(confirm.text, CONFIRM_TEXT),
            "confirm": plain(confirm.yes, CONFIRM_BUTTON),
            "deny": plain(confirm.no, CONFIRM_BUTTON),
        }
    return button


def actions(buttons: list[Block], block_id: str = "") -> list[Block]:
    """Return a row of buttons, or nothing without buttons."""
    if not buttons:
        return []
    named = {"block_id": block_id} if 0 < len(block_id) <= IDENTIFIER else {}
    return [{"type": "actions", **named, "elements": buttons}]


def fallback(text: str) -> str:
    """Return ``text`` for the top-level ``text`` of a message, which Slack parses: what could be a mention is escaped."""
    shown = cut(printable(text), FALLBACK).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown or "-"


def size(blocks: list[Block]) -> int:
    """Return the length of ``blocks`` as JSON in ASCII, the longest form in which they are sent."""
    return len(json.dumps(blocks))
