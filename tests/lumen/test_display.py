"""Text from outside before people see it: short enough, harmless, inside its code span."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.display import ELLIPSIS, markdown_code, printable, truncate

# Every code point, with those that do harm often among them.
NASTY = st.sampled_from(
    "\x00\t\n\r\x1b\x7f\x85\x9b`\\\u00ad\u200b\u200e\u2028\u2029\u202e\u2066\ufeff\ud800\udfff\U000e0041é…한😀"
)
TEXT = st.lists(st.text(max_size=6) | NASTY, max_size=20).map("".join)
FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(TEXT, st.integers(0, 80))
def test_a_truncated_text_fits(text: str, limit: int) -> None:
    """The result is valid UTF-8 of at most as many bytes as asked for, also when that is less than the ellipsis takes."""
    assert len(truncate(text, limit).encode()) <= limit


@given(TEXT, st.integers(0, 80))
def test_a_text_is_cut_only_where_it_must_be(text: str, limit: int) -> None:
    """A text that fits stays as it is, but for broken characters; of one that does not, the beginning and an ellipsis."""
    whole = text.encode("utf-8", "replace").decode()
    cut = truncate(text, limit)
    if len(whole.encode()) <= limit:
        assert cut == whole
    elif limit >= len(ELLIPSIS.encode()):
        assert cut.endswith(ELLIPSIS)
        assert whole.startswith(cut.removesuffix(ELLIPSIS))
        assert len(cut.encode()) > limit - 4
    else:
        assert cut == ""


@given(TEXT)
def test_a_printable_text_holds_nothing_invisible(text: str) -> None:
    """No control, bidirectional, other format or surrogate character and no line break is left."""
    shown = printable(text)
    assert {unicodedata.category(char) for char in shown} & FORBIDDEN == set()
    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown


@given(TEXT)
def test_plain_text_is_left_alone_and_printing_twice_is_the_same(text: str) -> None:
    """Whatever holds nothing harmful is not touched, in any script."""
    plain = "".join(char for char in text if unicodedata.category(char) not in FORBIDDEN)
    assert printable(plain) == plain
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b", "a\\x00b"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b", "\\x9b"),
        ("two\nlines\r", "two\\x0alines\\x0d"),
        ("rm \u202egpj.exe", "rm \\u202egpj.exe"),
        ("\u2066\u2069", "\\u2066\\u2069"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\xad", "\\xad"),
        ("디스크 é …", "디스크 é …"),
    ],
)
def test_what_is_invisible_is_shown_by_its_number(text: str, shown: str) -> None:
    """A hidden character is shown as the escape that a programmer would write for it."""
    assert printable(text) == shown


@given(TEXT, st.integers(0, 80))
def test_nothing_breaks_out_of_a_code_span(text: str, limit: int) -> None:
    """A code span has a backtick at each end and none inside, holds something, and its content keeps the limit."""
    span = markdown_code(text, limit)
    fence = re.match("`+", span)
    assert fence is not None
    inside = span.removeprefix(fence[0]).removesuffix(fence[0])
    assert span == fence[0] + inside + fence[0]
    assert inside
    assert fence[0] not in re.findall("`+", inside)
    shown = truncate(printable(text), limit)
    assert inside in {shown, f" {shown} "}
    assert {unicodedata.category(char) for char in inside} & FORBIDDEN == set()


def test_an_empty_code_span_is_a_space() -> None:
    """Nothing is shown as a span of spaces: two backticks side by side would open a span of another kind."""
    assert markdown_code("", 10) == "`  `"


def test_a_backtick_is_shown_as_it_is() -> None:
    """What is shown is what runs: a backtick in a command stays one, inside a longer fence."""
    assert markdown_code("a`b", 10) == "``a`b``"
    assert markdown_code("`id`", 10) == "`` `id` ``"


def test_a_cut_text_ends_in_an_ellipsis_of_three_bytes() -> None:
    """The ellipsis is part of the limit, and no character is cut in half."""
    assert truncate("abcdef", 5) == "ab…"
    assert truncate("한국어", 8) == "한…"
