"""Finds a text in the language that was asked for. The texts themselves stand in one file for each surface."""

from __future__ import annotations

from lumen.wording import decision, episode, pages, slack, slack_answers

LANGUAGES = ("en", "ko")
Texts = dict[str, tuple[str, str]]
"""Id of a text to its versions, in the order of :data:`LANGUAGES`. ``{name}`` is replaced by a value."""

_TEXTS: Texts = {**decision.TEXTS, **episode.TEXTS, **pages.TEXTS, **slack.TEXTS, **slack_answers.TEXTS}


class Wording:
    """All texts in one language."""

    def __init__(self, lang: str) -> None:
        """``lang`` is one of :data:`LANGUAGES`; raises ``ValueError`` for another."""
        self.lang = lang
        self._index = LANGUAGES.index(lang)

    def __call__(self, text_id: str, **values: object) -> str:
        """Return the text with this id; raises ``KeyError`` for an unknown id or a missing value.

        Values are put in as they are: whoever shows the text escapes it as a whole.
        """
        text = _TEXTS[text_id][self._index]
        return text.format(**values) if values else text
