"""Text objects, confirmation dialogs and the elements that stand in blocks, as Slack's reference of Block Kit gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.fakeslack import limits
from cli.fakeslack.shapes import Check, Fault, anything, array, both, by_type, fields, flag, number, one_of, text

_TYPE: dict[str, Check] = {"type": anything}
_ACTION_ID: dict[str, Check] = {"action_id": text(limits.IDENTIFIER)}


def plain(most: int) -> Check:
    """Return a check for a text object that must be ``plain_text``."""
    return by_type({"plain_text": fields({**_TYPE, "text": text(most)}, {"emoji": flag})})


def any_text(most: int) -> Check:
    """Return a check for a text object, plain or with Slack's own markup."""
    mrkdwn = fields({**_TYPE, "text": text(most)}, {"verbatim": flag})
    return by_type({"plain_text": plain(most), "mrkdwn": mrkdwn})


def _web_address(most: int) -> Check:
    def check(value: Any, at: str) -> Iterator[Fault]:
        # "mailto:" and the like are refused too: a button leads to a page.
        if isinstance(value, str) and not value.startswith(("http://", "https://")):
            yield Fault(at, "must be a valid URL")

    return both(text(most), check)


CONFIRM = fields(
    {
        "title": plain(limits.CONFIRM_TITLE),
        "text": any_text(limits.CONFIRM_TEXT),
        "confirm": plain(limits.CONFIRM_BUTTON),
        "deny": plain(limits.CONFIRM_BUTTON),
    },
    {"style": one_of("primary", "danger")},
)

BUTTON = fields(
    {**_TYPE, "text": plain(limits.BUTTON_TEXT)},
    {
        **_ACTION_ID,
        "url": _web_address(limits.BUTTON_URL),
        "value": text(limits.BUTTON_VALUE),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": text(limits.ACCESSIBILITY_LABEL),
    },
)

_OPTION = fields(
    {"text": any_text(limits.OPTION_TEXT), "value": text(limits.OPTION_VALUE)},
    {"description": any_text(limits.OPTION_TEXT), "url": _web_address(limits.BUTTON_URL)},
)

STATIC_SELECT = fields(
    {**_TYPE, "options": array(_OPTION, 1, limits.SELECT_OPTIONS)},
    {**_ACTION_ID, "placeholder": plain(limits.PLACEHOLDER), "initial_option": _OPTION, "confirm": CONFIRM},
)

OVERFLOW = fields({**_TYPE, "options": array(_OPTION, 1, limits.OVERFLOW_OPTIONS)}, {**_ACTION_ID, "confirm": CONFIRM})

IMAGE = fields({**_TYPE, "alt_text": text(limits.IMAGE_ALT_TEXT)}, {"image_url": _web_address(limits.IMAGE_URL)})

PLAIN_TEXT_INPUT = fields(
    _TYPE,
    {
        **_ACTION_ID,
        "placeholder": plain(limits.PLACEHOLDER),
        "initial_value": text(limits.INPUT_LENGTH, 0),
        "multiline": flag,
        "min_length": number,
        "max_length": number,
        "focus_on_load": flag,
        "dispatch_action_config": anything,
    },
)

IN_ACTIONS = by_type({"button": BUTTON, "static_select": STATIC_SELECT, "overflow": OVERFLOW})
IN_SECTION = by_type({"button": BUTTON, "static_select": STATIC_SELECT, "overflow": OVERFLOW, "image": IMAGE})
IN_INPUT = by_type({"plain_text_input": PLAIN_TEXT_INPUT, "static_select": STATIC_SELECT})
IN_CONTEXT = by_type(
    {
        "plain_text": any_text(limits.CONTEXT_TEXT),
        "mrkdwn": any_text(limits.CONTEXT_TEXT),
        "image": IMAGE,
    }
)
