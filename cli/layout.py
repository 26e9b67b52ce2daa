"""Text in the width of a terminal. Pure: text and a width in, lines out.

Free text is folded or cut. What people copy (keys, digests, commands) is never either: it stands whole on a line, and such
a line is the only one that may be longer than the terminal is wide. Control characters are shown, never passed on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lumen.display import ELLIPSIS, printable

_GAP = 2
_LEAST_ROOM = 8


def cells(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes (Unicode Standard Annex 11: wide and full-width take two)."""
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def cut(text: str, width: int) -> str:
    """Return ``text`` made harmless, in at most ``width`` columns, with an ellipsis where it was cut."""
    plain = printable(text)
    if cells(plain) <= width:
        return plain
    return _head(plain, width - 1) + ELLIPSIS if width > 0 else ""


def _head(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > width:
            return text[:index]
    return text


def fold(text: str, width: int) -> list[str]:
    """Return ``text`` made harmless, as lines of at most ``width`` columns (2 at least), broken at blanks where there are any.

    Nothing is lost but blanks at the breaks.
    """
    lines: list[str] = []
    line = ""
    for word in printable(text).split(" "):
        rest = word
        joined = f"{line} {rest}" if line else rest
        if cells(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        while cells(rest) > width:
            head = _head(rest, max(width, 2))
            lines.append(head)
            rest = rest[len(head) :]
        line = rest
    return [*lines, line] if line or not lines else lines


@dataclass(frozen=True)
class Field:
    """A name and its value, which is folded unless it is to be copied (whole, on a line) or brief (cut)."""

    name: str
    value: str
    copy: bool = False
    brief: bool = False


@dataclass(frozen=True)
class Heading:
    """A line of its own with a blank line before it."""

    text: str


Item = Field | Heading


def fields(items: Iterable[Item], width: int) -> list[str]:
    """Return ``items`` as lines: names in one column, values in the other, under the same name only once."""
    known = list(items)
    longest = max((cells(item.name) for item in known if isinstance(item, Field)), default=0)
    gutter = min(longest, max(width // 3, 1)) + _GAP
    lines: list[str] = []
    before = ""
    for item in known:
        if isinstance(item, Heading):
            lines += [*([""] if lines else []), *fold(item.text, width)]
            before = ""
            continue
        name = "" if item.name == before else cut(item.name, gutter - _GAP)
        before = item.name
        lines += _field(name, item, gutter, width)
    return lines


def _field(name: str, item: Field, gutter: int, width: int) -> list[str]:
    start = name + " " * (gutter - cells(name))
    room = width - gutter
    if item.copy:
        value = printable(item.value)
        if cells(value) <= room:
            return [start + value]
        return [*([name] if name else []), value]
    if room < _LEAST_ROOM:
        return [*([name] if name else []), *([cut(item.value, width)] if item.brief else fold(item.value, width))]
    if item.brief:
        return [(start + cut(item.value, room)).rstrip(" ")]
    first, *others = fold(item.value, room)
    return [(start + first).rstrip(" "), *(" " * gutter + line for line in others)]


@dataclass(frozen=True)
class Column:
    """A column of a table. ``least``: it may be cut down to so many columns; 0: it is never cut."""

    name: str
    least: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str] | None:
    """Return ``rows`` under their columns, or None if that is not possible in ``width`` without cutting what is never cut."""
    head = [column.name.upper() for column in columns]
    body = [[printable(cell) or "-" for cell in row] for row in rows]
    wanted = [max(cells(cell) for cell in column) for column in zip(head, *body, strict=True)]
    widths = _shrunk(columns, wanted, width - _GAP * (len(columns) - 1))
    if widths is None:
        return None
    return [_line(row, widths) for row in [head, *body]]


def _shrunk(columns: Sequence[Column], wanted: Sequence[int], room: int) -> list[int] | None:
    """Take from the widest column that may give, one at a time, until all fit."""
    widths = list(wanted)
    floors = [min(column.least or width, width) for column, width in zip(columns, wanted, strict=True)]
    while sum(widths) > room:
        giving = [index for index, width in enumerate(widths) if width > floors[index]]
        if not giving:
            return None
        widths[max(giving, key=lambda index: widths[index])] -= 1
    return widths


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    shown = [cut(cell, width) for cell, width in zip(row, widths, strict=True)]
    padded = [cell + " " * (width - cells(cell)) for cell, width in zip(shown, widths, strict=True)]
    return (" " * _GAP).join(padded).rstrip(" ")


def rows_taken(line: str, width: int) -> int:
    """Return how many rows of a terminal ``line`` takes when the terminal wraps it."""
    return max(1, -(-cells(line) // max(width, 1)))
