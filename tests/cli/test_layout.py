"""Laying text out in a width: nothing is lost, nothing that is copied is cut, and no other line is too long."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.layout import Column, Field, Heading, Item, cells, cut, fields, fold, rows_taken, table
from lumen.display import printable
from tests.cli.test_output import HOSTILE, is_harmless

WIDTHS = st.integers(20, 140)
TEXT = st.text(st.sampled_from("ab \u0e33\u4e2d\u0301\U0001f600\x1b\n\u202e-@."), max_size=60) | st.text(max_size=40)
NAMES = st.sampled_from(["key", "state", "waits for", "a name that is far too long for its column"])
ITEMS: st.SearchStrategy[list[Item]] = st.lists(
    st.builds(Field, NAMES, TEXT, st.booleans(), st.booleans()) | st.builds(Heading, TEXT.filter(bool)), max_size=12
)


def solid(text: str) -> str:
    """Return ``text`` as it is shown, without blanks: what must not be lost by breaking lines."""
    return printable(text).replace(" ", "")


@given(TEXT, st.integers(0, 60))
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    """It is whole, or it is a beginning and an ellipsis, and never wider than asked for."""
    shown = cut(text, width)
    assert cells(shown) <= width
    assert is_harmless(shown)
    if shown != printable(text) and width:
        assert shown.endswith("…")
        assert printable(text).startswith(shown[:-1])


@given(TEXT, st.integers(2, 60))
@example("one", 3)
@example("  two  blanks ", 4)
def test_folding_loses_nothing_but_blanks(text: str, width: int) -> None:
    """No line is wider than asked for, and together they hold every character."""
    lines = fold(text, width)
    assert lines
    assert all(cells(line) <= width for line in lines)
    assert is_harmless("\n".join(lines))
    assert solid("".join(lines)) == solid(text)


def test_folding_breaks_at_blanks_where_it_can() -> None:
    """Words stay whole unless one is longer than a line."""
    assert fold("the disk of host7 is full", 12) == ["the disk of", "host7 is", "full"]
    assert fold("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]
    assert fold("", 10) == [""]


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    """What a terminal draws counts, not how many characters it is."""
    assert [cells(text) for text in ("abc", "\u4e2d\u6587", "e\u0301", "\U0001f600")] == [3, 4, 1, 2]


@given(ITEMS, WIDTHS)
def test_fields_fit_and_what_is_copied_stands_whole_on_a_line(items: list[Item], width: int) -> None:
    """A line is wider than the terminal only if it is exactly one copyable value; each of those is in one line whole."""
    lines = fields(items, width)
    copied = {printable(item.value) for item in items if isinstance(item, Field) and item.copy}
    assert all(cells(line) <= width or line in copied for line in lines)
    assert is_harmless("\n".join(lines))
    for value in copied:
        assert any(line.endswith(value) for line in lines)


@given(st.lists(st.builds(Field, st.just("label"), TEXT.filter(lambda text: bool(text.strip()))), max_size=6), WIDTHS)
def test_folded_fields_lose_nothing(items: list[Field], width: int) -> None:
    """Every character of every value is there, in order, with the name once at its first line."""
    lines = fields(items, width)
    whole = solid("".join(lines))
    assert whole == solid("".join(["label", *(item.value for item in items)]) if items else "")


def test_fields_stand_in_two_columns() -> None:
    """Names left, values right, a repeated name once, a heading after a blank line, a long value to copy on its own line."""
    items: list[Item] = [
        Field("key", "k-1", copy=True),
        Field("waits for", "alice@example.com"),
        Field("waits for", "bob@example.com"),
        Heading("PLAN"),
        Field("digest", "sha256:" + "0" * 40, copy=True),
        Field("reason", "the disk of host7 is full again"),
        Field("stdout", "a line of a program that is far too long", brief=True),
    ]
    assert fields(items, 34) == [
        "key        k-1",
        "waits for  alice@example.com",
        "           bob@example.com",
        "",
        "PLAN",
        "digest",
        "sha256:" + "0" * 40,
        "reason     the disk of host7 is",
        "           full again",
        "stdout     a line of a program th…",
    ]


COLUMNS = (Column("state", least=6), Column("rule", least=4), Column("key"))
ROWS = st.lists(st.tuples(TEXT, TEXT, st.text("abc-0123456789", min_size=16, max_size=60)), max_size=6)


@given(ROWS, st.integers(10, 160))
def test_a_table_fits_or_is_refused(rows: list[tuple[str, str, str]], width: int) -> None:
    """A table is never wider than asked for, one line a row, and its last column is never cut."""
    lines = table(COLUMNS, rows, width)
    if lines is None:
        longest = max((cells(row[2]) for row in rows), default=3)
        assert longest + 6 + 4 + 4 > width  # the least widths of the other two, and the gaps
        return
    assert len(lines) == len(rows) + 1
    assert all(cells(line) <= width for line in lines)
    assert is_harmless("\n".join(lines))
    assert all(line.endswith(row[2]) for line, row in zip(lines[1:], rows, strict=True))


def test_a_table_cuts_its_widest_column_first() -> None:
    """Short columns stay whole while long ones can give."""
    lines = table(COLUMNS, [("executing", "a-rule-with-a-very-long-name", "key-1")], 30)
    assert lines == ["STATE      RULE          KEY", "executing  a-rule-with…  key-1"]


@pytest.mark.parametrize(("line", "rows"), [("", 1), ("a" * 10, 1), ("a" * 11, 2), ("\u4e2d" * 11, 3)])
def test_rows_of_a_line_that_the_terminal_wraps(line: str, rows: int) -> None:
    """A line that is too long takes as many rows as the terminal breaks it into."""
    assert rows_taken(line, 10) == rows


def test_hostile_text_is_shown_not_obeyed() -> None:
    """Nothing that comes from outside moves the terminal, in any kind of field."""
    items: list[Item] = [Field("a", HOSTILE), Field("b", HOSTILE, copy=True), Field("c", HOSTILE, brief=True)]
    assert is_harmless("\n".join(fields([*items, Heading(HOSTILE)], 44)))
