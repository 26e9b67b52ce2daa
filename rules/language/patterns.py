"""Regular expressions of rules: RE2, so that no pattern and no label value can make a match take exponential time."""

from __future__ import annotations

from typing import Any, Protocol

import re2

_SOURCE_LIMIT = 1000


class PatternError(ValueError):
    """The text is no RE2 regular expression; ``str()`` says why."""


class Pattern(Protocol):
    """A compiled pattern, always matched against the whole text."""

    def fullmatch(self, text: str) -> Any:
        """Return something true if the whole ``text`` matches."""


def compile_pattern(source: str) -> Pattern:
    """Return ``source`` compiled; raises :class:`PatternError`."""
    if len(source) > _SOURCE_LIMIT:
        raise PatternError(f"it is longer than {_SOURCE_LIMIT} characters")
    options = re2.Options()
    options.log_errors = False  # RE2 would print them on stderr besides raising
    try:
        compiled: Pattern = re2.compile(source, options)
    except re2.error as error:
        raise PatternError(_message(error)) from None
    except UnicodeEncodeError:
        raise PatternError("it holds half a surrogate pair") from None
    return compiled


def matches(pattern: Pattern, text: str) -> bool:
    """Return whether the whole of ``text`` matches; half a surrogate pair counts as U+FFFD, as it does in Go."""
    return bool(pattern.fullmatch(text.encode("utf-8", "replace").decode() if _broken(text) else text))


def _broken(text: str) -> bool:
    return any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def _message(error: Exception) -> str:
    said = error.args[0] if error.args else "unknown"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
