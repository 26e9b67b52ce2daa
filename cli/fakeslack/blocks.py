"""Whether Slack would take the blocks of a message or a view. Pure: JSON in, faults out.

Known are the blocks and elements that a message of approval needs; others (files, videos, tables, date pickers) are
refused as unsupported, although Slack takes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cli.fakeslack import elements, limits, richtext
from cli.fakeslack.shapes import Check, Fault, anything, array, both, by_type, fields, flag, one_of, text


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return fields({"type": anything, **required}, {"block_id": text(limits.IDENTIFIER), **(optional or {})})


def _says_something(value: Any, at: str) -> Iterator[Fault]:
    if "text" not in value and "fields" not in value:
        yield Fault(at, "must provide one of: text, fields")


_SECTION = both(
    _block(
        {},
        {
            "text": elements.any_text(limits.SECTION_TEXT),
            "fields": array(elements.any_text(limits.FIELD_TEXT), 1, limits.SECTION_FIELDS),
            "accessory": elements.IN_SECTION,
            "expand": flag,
        },
    ),
    _says_something,
)

_BLOCK = by_type(
    {
        "section": _SECTION,
        "header": _block({"text": elements.plain(limits.HEADER_TEXT)}),
        "context": _block({"elements": array(elements.IN_CONTEXT, 1, limits.CONTEXT_ELEMENTS)}),
        "actions": _block({"elements": array(elements.IN_ACTIONS, 1, limits.ACTIONS_ELEMENTS)}),
        "divider": _block({}),
        "image": _block(
            {"image_url": text(limits.IMAGE_URL), "alt_text": text(limits.IMAGE_ALT_TEXT)},
            {"title": elements.plain(limits.IMAGE_TITLE)},
        ),
        "input": _block(
            {"label": elements.plain(limits.INPUT_LABEL), "element": elements.IN_INPUT},
            {"hint": elements.plain(limits.INPUT_HINT), "optional": flag, "dispatch_action": flag},
        ),
        "markdown": _block({"text": text(limits.MARKDOWN_TEXT)}),
        "rich_text": _block({"elements": richtext.ELEMENTS}),
    }
)


def _distinct_ids(value: Any, at: str) -> Iterator[Fault]:
    """Find block ids that stand twice, and action ids that stand twice in one block."""
    blocks = [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []
    for name in _twice(block.get("block_id") for block in blocks):
        yield Fault(at, f"block_id {name!r} already exists for another block")
    for position, block in enumerate(blocks):
        inside = block.get("elements")
        ids = [item.get("action_id") for item in inside if isinstance(item, dict)] if isinstance(inside, list) else []
        for name in _twice(ids):
            yield Fault(f"{at}/{position}/elements", f"action_id {name!r} already exists for another element")


def _twice(names: Any) -> list[str]:
    return [name for name, times in Counter(name for name in names if isinstance(name, str)).items() if times > 1]


_MESSAGE = both(array(_BLOCK, 0, limits.MESSAGE_BLOCKS), _distinct_ids)


def _can_be_submitted(value: Any, at: str) -> Iterator[Fault]:
    blocks = value.get("blocks")
    asks = isinstance(blocks, list) and any(isinstance(one, dict) and one.get("type") == "input" for one in blocks)
    if asks and "submit" not in value:
        yield Fault(at, "missing required field: submit (a view with an input block needs it)")


_VIEW = by_type(
    {
        "modal": both(
            fields(
                {
                    "type": one_of("modal"),
                    "title": elements.plain(limits.VIEW_TITLE),
                    "blocks": both(array(_BLOCK, 0, limits.VIEW_BLOCKS), _distinct_ids),
                },
                {
                    "submit": elements.plain(limits.VIEW_BUTTON),
                    "close": elements.plain(limits.VIEW_BUTTON),
                    "callback_id": text(limits.VIEW_CALLBACK_ID, 0),
                    "external_id": text(limits.VIEW_CALLBACK_ID, 0),
                    "private_metadata": text(limits.VIEW_PRIVATE_METADATA, 0),
                    "clear_on_close": flag,
                    "notify_on_close": flag,
                    "submit_disabled": flag,
                },
            ),
            _can_be_submitted,
        )
    }
)


def faults_of_message(blocks: Any) -> list[Fault]:
    """Return what Slack would not take in the blocks of a message, with pointers that begin with ``/blocks``."""
    return list(_MESSAGE(blocks, "/blocks"))


def faults_of_view(view: Any) -> list[Fault]:
    """Return what Slack would not take in a modal, with pointers that begin with ``/view``."""
    return list(_VIEW(view, "/view"))


def characters(value: Any) -> int:
    """Return how many characters all strings in ``value`` have, keys not counted."""
    if isinstance(value, str):
        return len(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(characters(item) for item in inside)
