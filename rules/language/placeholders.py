r"""Placeholders: the only thing in a rule that an alert fills in.

::

    placeholder = "{" , ( "labels" | "annotations" ) , "." , name , "}"
    name        = one or more characters other than "{" and "}"

Everything else, braces included, is literal text. A value is put in once: what it holds is never looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_PLACEHOLDER = re.compile(r"\{((?:labels|annotations)\.[^{}]+)\}")


def names(text: str) -> list[str]:
    """Return the placeholders of ``text`` in order, such as ``labels.instance``."""
    return _PLACEHOLDER.findall(text)


def spans(text: str) -> list[tuple[int, int, str]]:
    """Return start, end and name of each placeholder."""
    return [(found.start(), found.end(), found.group(1)) for found in _PLACEHOLDER.finditer(text)]


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """Return ``text`` with each placeholder replaced by ``value_of`` its name, in one pass."""
    return _PLACEHOLDER.sub(lambda found: value_of(found.group(1)), text)


def strings_in(data: Any) -> Iterator[str]:
    """Yield every string value inside JSON-like ``data``; keys of mappings are not values."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for item in data.values():
            yield from strings_in(item)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from strings_in(item)


def keys_in(data: Any) -> Iterator[str]:
    """Yield every key of every mapping inside JSON-like ``data``."""
    if isinstance(data, dict):
        for key, item in data.items():
            yield key
            yield from keys_in(item)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from keys_in(item)


def fill_in(data: Any, value_of: Callable[[str], str]) -> Any:
    """Return JSON-like ``data`` with the placeholders of its string values filled."""
    if isinstance(data, str):
        return fill(data, value_of)
    if isinstance(data, dict):
        return {key: fill_in(item, value_of) for key, item in data.items()}
    if isinstance(data, list):
        return [fill_in(item, value_of) for item in data]
    return data
