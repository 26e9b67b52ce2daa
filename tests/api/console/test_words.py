"""The texts of pages, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.pages.rendering import FOLDER
from lumen.outcome import ActionStatus, Outcome, State
from lumen.wording import LANGUAGES, Wording, episode, pages

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_USED = re.compile(r"""["'](page\.[a-z_.]+[a-z_])["']""")
TEXTS = {**pages.TEXTS, **episode.TEXTS}


@pytest.mark.parametrize("text_id", TEXTS)
def test_both_languages_name_the_same_values(text_id: str) -> None:
    """A text has the same placeholders in English and in Korean, and is empty in neither."""
    english, korean = TEXTS[text_id]
    assert sorted(_PLACEHOLDER.findall(english)) == sorted(_PLACEHOLDER.findall(korean))
    assert english
    assert korean


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_outcome_and_status_has_a_name(lang: str) -> None:
    """Nothing that an episode can be is without a word."""
    wording = Wording(lang)
    names = [*(f"page.state.{one}" for one in State), *(f"page.outcome.{one}" for one in Outcome)]
    names += [f"page.status.{one}" for one in ActionStatus]
    assert all(wording(name) for name in names)


def test_what_pages_and_code_name_is_there() -> None:
    """Each text that a template or a module names by its whole id exists."""
    files = [*Path(FOLDER).rglob("*.html"), *Path(FOLDER).rglob("*.py")]
    used = {found for file in files for found in _USED.findall(file.read_text())}
    assert len(used) > 80
    assert {one for one in used if one not in TEXTS} == set()
