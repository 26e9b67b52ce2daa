"""Nothing that comes from outside moves the terminal."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.output import complain, print_fields, print_json, print_table, say

HOSTILE = "\x1b]0;owned\x07\x1b[2J[link=https://evil.example]Approve[/link]\u202egpj\r\n:smile:\x9b31m"


def is_harmless(text: str) -> bool:
    """Whether a terminal shows ``text`` as it is: nothing but printable characters and ends of lines."""
    return all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


def test_a_hostile_label_is_shown_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes, markup, emoji codes and bidirectional overrides appear as text in every kind of output."""
    print_table(("key", "label"), [("k", HOSTILE)], empty="")
    say(HOSTILE)
    complain(HOSTILE)
    print_fields([("label", HOSTILE)])
    print_json({HOSTILE: HOSTILE})
    printed = capsys.readouterr()
    assert is_harmless(printed.out + printed.err)
    assert printed.out.count("[link=https://evil.example]Approve[/link]") == 5
    assert printed.out.count(":smile:") == 5
    assert "\\x1b]0;owned\\x07" in printed.out


def test_markup_is_not_interpreted_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real terminal gets no hyperlink and no style from a cell."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    print_table(("key",), [("[link=https://evil.example]Approve[/link][red]x",)], empty="")
    out = capsys.readouterr().out
    assert "\x1b]8" not in out
    assert "[link=https://evil.example]Approve[/link][red]x" in out


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
def test_any_text_in_a_table_is_harmless(capsys: pytest.CaptureFixture[str], rows: list[list[str]]) -> None:
    """Whatever the cells hold, each row is one line and no control character is printed."""
    print_table(("a", "b"), rows, empty="nothing")
    out = capsys.readouterr().out
    assert is_harmless(out)
    assert out.count("\n") == (len(rows) + 1 if rows else 1)


def test_a_cell_is_never_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is copied from a table is whole, however narrow the terminal is."""
    monkeypatch.setenv("COLUMNS", "20")
    print_table(("key", "target"), [("k" * 150, "t" * 150)], empty="")
    assert "k" * 150 + "  " + "t" * 150 in capsys.readouterr().out


def test_json_is_one_document_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads what was given, lone surrogates included."""
    print_json({"a": ["\u202e", "\ud800", None]})
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": ["\u202e", "\ud800", None]}


def test_findings_stand_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A message of several findings keeps its lines."""
    complain("first\nsecond")
    assert capsys.readouterr().err == "lumen: first\nsecond\n"
