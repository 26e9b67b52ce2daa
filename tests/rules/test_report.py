"""Findings for a terminal show the line and point at the place."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.errors import Finding, RulesError
from rules.loader import load, sources
from rules.report import render
from tests.rules.documents import write


def test_a_finding_shows_its_line_and_a_marker(tmp_path: Path) -> None:
    """The marker spans what is wrong."""
    write(tmp_path, rules="rules:\n  - alert: A\n    cooldwn: 600\n    actions: [{proof: true}]\n")
    with pytest.raises(RulesError) as caught:
        load(tmp_path)
    assert render(caught.value.findings, sources(tmp_path)) == (
        f'{tmp_path}/rules.yaml:3:5: unknown key "cooldwn" in a rule: did you mean "cooldown"?\n'
        "  3 |     cooldwn: 600\n"
        "    |     ^^^^^^^"
    )


@pytest.mark.parametrize(
    ("line", "column", "length", "shown", "marker"),
    [
        ("\tx", 2, 1, "    x", "    ^"),
        ("日本x", 3, 1, "日本x", "    ^"),
        ("日本x", 1, 2, "日本x", "^^^^"),
        ("e\u0301x", 3, 1, "e\u0301x", " ^"),
        ("\x1b[2Jx", 5, 1, "\\x1b[2Jx", "       ^"),
        ("ab", 9, 1, "ab", "  ^"),
        ("ab", 2, 99, "ab", " ^"),
        ("x" * 300 + "y", 301, 1, "x" * 80 + "y", " " * 80 + "^"),
    ],
)
def test_the_marker_stands_under_the_place(line: str, column: int, length: int, shown: str, marker: str) -> None:
    """Tabs, wide characters, combining ones and control characters are counted as they are shown."""
    text = render([Finding("f", 1, column, "p", "x", length)], {"f": line + "\nnext"})
    assert text.splitlines()[1:] == [f"  1 | {shown}", f"    | {marker}"]


@pytest.mark.parametrize("texts", [{}, {"f": ""}, {"f": "a\nb"}])
def test_a_finding_without_its_line_is_shown_alone(texts: dict[str, str]) -> None:
    """A file that is gone meanwhile takes only the picture away."""
    found = Finding("f", 3, 1, "p", "x")
    assert render([found], texts) == "f:3:1: p: x"


@given(st.text(max_size=60), st.integers(1, 70), st.integers(1, 70), st.integers(1, 3))
def test_any_place_in_any_text_can_be_shown(text: str, column: int, length: int, line: int) -> None:
    """The report never fails and lets no control character through."""
    shown = render([Finding("f", line, column, "p", "x", length)], {"f": text})
    assert not {unicodedata.category(char) for char in shown.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
