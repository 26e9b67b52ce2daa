from __future__ import annotations

import string
import unicodedata

import pytest

from lumen.wording import LANGUAGES, Wording
from lumen.wording.catalogue import _TEXTS


def names_in(text: str) -> set[str]:
    """Return the values that a text wants."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("text_id", sorted(_TEXTS))
def test_each_text_is_there_in_each_language(text_id: str) -> None:
    """Every text has both languages, wants the same values in each, and is written in the language that it is in."""
    english, korean = _TEXTS[text_id]
    assert len(_TEXTS[text_id]) == len(LANGUAGES)
    assert names_in(english) == names_in(korean)
    assert english.strip()
    assert korean.strip()
    assert all(line.isprintable() for text in (english, korean) for line in text.split("\n"))
    assert not any("HANGUL" in unicodedata.name(char, "") for char in english)


def test_values_are_put_in_as_they_are() -> None:
    """A value is never read as a text of its own: what stands in braces in it stays."""
    assert "{t} {0}" in Wording("en")("sign_in.as", actor="{t} {0}")


def test_unknown_texts_and_languages() -> None:
    """A text or a language that is not there is an error of the program, at once."""
    with pytest.raises(KeyError):
        Wording("en")("no.such.text")
    with pytest.raises(ValueError, match="not in tuple"):
        Wording("fr")
