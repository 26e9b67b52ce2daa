"""The rich text block, as Slack's reference gives it: sections, lists, preformatted text and quotes."""

from __future__ import annotations

from cli.fakeslack import limits
from cli.fakeslack.shapes import Check, anything, array, by_type, fields, flag, number, one_of, text

_MANY = 1000
_NAME = text(limits.IDENTIFIER)
_STYLE = fields({}, {"bold": flag, "italic": flag, "strike": flag, "code": flag, "underline": flag})
_WORDS = text(limits.ALL_BLOCKS)


def _inline(**required: Check) -> Check:
    return fields({"type": anything, **required}, {"style": _STYLE})


_TEXT = _inline(text=_WORDS)
_LINK = fields({"type": anything, "url": text(limits.BUTTON_URL)}, {"text": _WORDS, "style": _STYLE, "unsafe": flag})
_INLINE = by_type(
    {
        "text": _TEXT,
        "link": _LINK,
        "emoji": fields({"type": anything, "name": _NAME}, {"unicode": _NAME, "style": _STYLE}),
        "user": _inline(user_id=_NAME),
        "usergroup": _inline(usergroup_id=_NAME),
        "channel": _inline(channel_id=_NAME),
        "broadcast": _inline(range=one_of("here", "channel", "everyone")),
        "date": fields(
            {"type": anything, "timestamp": number, "format": _NAME},
            {"url": text(limits.BUTTON_URL), "fallback": _WORDS, "style": _STYLE},
        ),
        "color": _inline(value=_NAME),
    }
)
_SECTION = fields({"type": anything, "elements": array(_INLINE, 0, _MANY)}, {})
_LIST = fields(
    {
        "type": anything,
        "style": one_of("bullet", "ordered"),
        "elements": array(by_type({"rich_text_section": _SECTION}), 1, _MANY),
    },
    {"indent": number, "offset": number, "border": number},
)
_PREFORMATTED = fields(
    {"type": anything, "elements": array(by_type({"text": _TEXT, "link": _LINK}), 1, _MANY)},
    {"border": number, "language": _NAME},
)
_QUOTE = fields({"type": anything, "elements": array(_INLINE, 1, _MANY)}, {"border": number})

ELEMENTS = array(
    by_type(
        {
            "rich_text_section": _SECTION,
            "rich_text_list": _LIST,
            "rich_text_preformatted": _PREFORMATTED,
            "rich_text_quote": _QUOTE,
        }
    ),
    1,
    _MANY,
)
