"""A YAML document as a tree with positions, free of any YAML library, and the collector of what is wrong in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from lumen.display import printable, truncate
from lumen.errors import Finding, RulesError

_FINDINGS_LIMIT = 200
_MESSAGE_LIMIT = 1000


@dataclass(frozen=True)
class Place:
    """A position in a file; ``line`` and ``column`` count characters from 1, ``length`` is the span on that line."""

    file: str
    line: int = 1
    column: int = 1
    length: int = 1


@dataclass(frozen=True)
class Scalar:
    """A single value. ``text`` is what was written, without quotes; ``tag`` is what YAML 1.1 makes of it.

    Tags: ``str``, ``int``, ``float``, ``bool``, ``null``, and ``other`` (dates, merge keys). ``verbatim`` is the column
    of the first character of ``text`` if the file holds it unchanged on one line, else 0.
    """

    place: Place
    text: str
    tag: str = "str"
    verbatim: int = 0

    def at(self, offset: int, length: int = 1) -> Place:
        """Return the place of the character at ``offset`` of the text, or of the whole value if that is not known."""
        if not self.verbatim:
            return self.place
        return Place(self.place.file, self.place.line, self.verbatim + offset, max(1, length))


@dataclass(frozen=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """A mapping whose keys are single values; duplicate keys have been reported and dropped."""

    place: Place
    entries: tuple[tuple[Scalar, Node], ...] = ()


Node = Scalar | Sequence | Mapping


@dataclass
class Findings:
    """Collects what is wrong, and what is only worth a warning, in the order of discovery."""

    items: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _known: set[Finding | str] = field(default_factory=set)

    def add(self, place: Place, problem: str, fix: str) -> None:
        """Report one problem and its fix; control characters in either are shown escaped."""
        found = Finding(place.file, place.line, place.column, _clean(problem), _clean(fix), place.length)
        if found not in self._known:
            self._known.add(found)
            self.items.append(found)

    def warn(self, place: Place, text: str) -> None:
        """Note something that is allowed and often a mistake."""
        line = f"{place.file}:{place.line}:{place.column}: {_clean(text)}"
        if line not in self._known:
            self._known.add(line)
            self.warnings.append(line)

    def raise_all(self) -> NoReturn:
        """Raise :class:`RulesError` with everything found, in the order of files and lines."""
        ordered = sorted(self.items, key=lambda item: (item.file, item.line, item.column))
        shown = tuple(ordered[:_FINDINGS_LIMIT])
        text = "\n".join(str(finding) for finding in shown)
        if len(ordered) > len(shown):
            text += f"\n… and {len(ordered) - len(shown)} more"
        raise RulesError(text, shown)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"?`` for the nearest of ``known``, or the list of what is known."""
    names = list(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else f"known are {', '.join(names)}"


def _clean(text: str) -> str:
    return truncate(printable(text), _MESSAGE_LIMIT)
