"""What the demo writes: steps that are numbered, sentences that are folded, nothing that a terminal interprets."""

from __future__ import annotations

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cli.demo.telling import Teller


def written(method: str, *arguments: object) -> str:
    """Return what a teller that writes to no terminal writes."""
    stream = io.StringIO()
    getattr(Teller(stream), method)(*arguments)
    return stream.getvalue()


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    """Whatever a label holds, only line ends of the demo's own are written."""
    for method, arguments in [
        ("say", (text,)),
        ("raw", (text,)),
        ("ask", (text,)),
        ("fields", ([("name", text)],)),
        ("step", (text, text)),
    ]:
        shown = written(method, *arguments).replace("\n", "")
        assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}]


@given(st.lists(st.text(alphabet="abcdef", min_size=1, max_size=20), min_size=1))
def test_a_sentence_is_folded_and_stays_whole(words: list[str]) -> None:
    """No line is wider than 76 columns, each begins at the same place, and no word is lost."""
    shown = written("say", " ".join(words))
    assert all(len(line) <= 76 and line.startswith("   ") for line in shown.splitlines())
    assert shown.split() == words


def test_what_is_there_to_be_copied_is_one_line() -> None:
    """A long command is not folded."""
    assert written("raw", "x" * 200) == "     " + "x" * 200 + "\n"


def test_steps_are_counted() -> None:
    """Each step has the next number, its title, and the sentence that says what it shows."""
    stream = io.StringIO()
    teller = Teller(stream)
    teller.step("One", "First.")
    teller.step("Two", "Second.")
    assert stream.getvalue() == "\n1. One\n   First.\n\n2. Two\n   Second.\n"
