"""Cutting and cleaning text that came from outside before a person, an index or a terminal sees it."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"


def truncate(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` bytes of UTF-8, ending in an ellipsis where it was cut.

    Bytes and not characters, because the limits that this serves (Temporal's summaries, keyword columns) count bytes.
    Half a surrogate pair, which UTF-8 cannot hold, becomes a question mark.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    room = limit - len(ELLIPSIS.encode())
    return raw[:room].decode("utf-8", "ignore") + ELLIPSIS if room >= 0 else ""


def printable(text: str) -> str:
    r"""Return ``text`` with every control, format and surrogate character shown as ``\xNN`` or ``\uNNNN``.

    Format characters (Unicode category Cf) include the bidirectional overrides that make a terminal or a page show
    another text than the one that will run.
    """
    return "".join(char if _is_plain(char) else _escaped(char) for char in text)


def _is_plain(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def markdown_code(text: str, limit: int) -> str:
    """Return ``text`` as one inline Markdown code span that shows it exactly, cut to ``limit`` bytes.

    CommonMark 6.1: the fence is longer than any run of backticks inside, and a space on both sides is not shown.
    """
    inside = truncate(printable(text), limit)
    longest = max((len(run) for run in re.findall("`+", inside)), default=0)
    fence = "`" * (longest + 1)
    padded = not inside or inside[0] in "` " or inside[-1] in "` "
    return f"{fence} {inside} {fence}" if padded else f"{fence}{inside}{fence}"
