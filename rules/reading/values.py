"""Readers of single values: a node in, a checked Python value out, or :class:`Unreadable` with problem and fix.

YAML 1.1 makes booleans of ``no`` and ``on``, minutes of ``1:30`` and octal numbers of ``010``; each is refused by name
instead of guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from lumen.sizes import parse_size, written_size
from rules.key import Key
from rules.reading.document import Mapping, Node, Place, Scalar, Sequence, nearest

_UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(
    r"(?:([0-9]{1,9})(w))?(?:([0-9]{1,9})(d))?(?:([0-9]{1,9})(h))?(?:([0-9]{1,9})(m))?(?:([0-9]{1,9})(s))?(?:([0-9]{1,9})(ms))?"
)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{0,15})?([eE][-+]?[0-9]{1,2})?")
_TEXT_LIMIT = 4096
_KIND = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "null": "nothing",
    "other": "a date or a merge key",
}


class Unreadable(Exception):  # noqa: N818 - not an error that leaves this package: it becomes a finding
    """A value that its key cannot take: where, what is wrong, how to fix it."""

    def __init__(self, place: Place, problem: str, fix: str) -> None:
        """Keep the three parts of the finding to be."""
        super().__init__(problem)
        self.place, self.problem, self.fix = place, problem, fix


def scalar(node: Node, what: str, wanted: str) -> Scalar:
    """Return ``node`` if it is a single value; ``what`` names the key and ``wanted`` what it takes."""
    if isinstance(node, Scalar):
        return node
    shape = "a list" if isinstance(node, Sequence) else "a mapping"
    raise Unreadable(node.place, f"{what} is {shape}", f"write {wanted}")


def text(node: Node, what: str) -> Scalar:
    """Return a non-empty piece of text of at most 4096 characters; numbers and booleans must be quoted."""
    value = scalar(node, what, "text")
    if value.tag == "null" or not value.text:
        raise Unreadable(value.place, f"{what} is empty", "give it a value or leave the key out")
    if value.tag != "str":
        raise Unreadable(
            value.place,
            f"{what} is text, but YAML reads {value.text} as {_KIND[value.tag]}",
            f'quote it: "{value.text}"',
        )
    _check_text(value, what)
    return value


def _check_text(value: Scalar, what: str) -> None:
    if len(value.text) > _TEXT_LIMIT:
        raise Unreadable(value.place, f"{what} is longer than {_TEXT_LIMIT} characters", "shorten it")
    if "\x00" in value.text or any(0xD800 <= ord(char) <= 0xDFFF for char in value.text):
        raise Unreadable(value.place, f"{what} holds a NUL or half a surrogate pair", "remove it")


def word(node: Node, what: str) -> Scalar:
    """Return one argument of a command as it is written: numbers and booleans stay the text that they are."""
    value = scalar(node, what, "text")
    if value.tag == "null" and value.text != "":
        raise Unreadable(
            value.place, f"{what} is {value.text}, which YAML reads as nothing", f'quote it: "{value.text}"'
        )
    if value.tag == "null":
        raise Unreadable(value.place, f"{what} is nothing", 'write "" for an empty argument')
    _check_text(value, what)
    return value


def strings(node: Node, what: str) -> list[Scalar]:
    """Return the texts of a list."""
    return [text(item, f"an element of {what}") for item in sequence(node, what)]


def sequence(node: Node, what: str) -> tuple[Node, ...]:
    """Return the elements of a list that is not empty."""
    if not isinstance(node, Sequence):
        raise Unreadable(node.place, f"{what} is not a list", "write [a, b], or one element a line after a dash")
    if not node.items:
        raise Unreadable(node.place, f"{what} is an empty list", "give it an element or leave the key out")
    return node.items


def mapping(node: Node, what: str) -> Mapping:
    """Return ``node`` if it is a mapping."""
    if not isinstance(node, Mapping):
        raise Unreadable(node.place, f"{what} is not a mapping", "write key: value pairs")
    return node


def boolean(node: Node, what: str) -> bool:
    """Return ``true`` or ``false``; the other spellings of YAML 1.1 are refused."""
    value = scalar(node, what, "true or false")
    if value.tag != "bool" or value.text.lower() not in {"true", "false"}:
        raise Unreadable(value.place, f"{what} is {value.text or 'empty'}", "write true or false, without quotes")
    return value.text.lower() == "true"


def integer(node: Node, what: str, key: Key) -> int:
    """Return a whole number within the bounds of ``key``."""
    value = scalar(node, what, "a whole number")
    if value.tag == "str" and _INTEGER.fullmatch(value.text):
        raise Unreadable(value.place, f'{what} is "{value.text}", which is text', "write it without quotes")
    if value.tag != "int" or not _INTEGER.fullmatch(value.text):
        raise Unreadable(value.place, f"{what} is {value.text or 'empty'}", "write a whole number, in decimal digits")
    number = int(value.text)
    if not key.least <= number <= key.most:
        raise Unreadable(value.place, f"{what} is {number}", f"write a number from {key.least:g} to {key.most:g}")
    return number


def duration(node: Node, what: str, key: Key) -> float:
    """Return seconds: a number of seconds, or parts with falling units ``w d h m s ms`` such as ``1h30m``."""
    value = scalar(node, what, "a duration such as 90, 10m or 1h30m")
    seconds = parse_duration(value.text) if value.tag in {"int", "float", "str"} else None
    if seconds is None:
        raise Unreadable(
            value.place,
            f"{what} is {value.text or 'empty'}, which is no duration",
            "write seconds or units: 90, 10m, 1h30m",
        )
    if not key.least <= seconds <= key.most:
        raise Unreadable(
            value.place,
            f"{what} is {value.text}",
            f"write a duration from {key.least:g} s to {key.most / 86400:g} days",
        )
    return seconds


def parse_duration(written: str) -> float | None:
    """Return the seconds that ``written`` means, or None. ``duration = seconds | {number unit}``, units falling."""
    if _SECONDS.fullmatch(written):
        return float(written)
    found = _DURATION.fullmatch(written)
    if not written or not found:
        return None
    parts = found.groups()
    return sum(int(number) * _UNITS[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True) if number)


def size(node: Node, what: str, key: Key) -> int:
    """Return bytes: a number of bytes, or a number with a unit such as ``512MB`` or ``1GiB``."""
    value = scalar(node, what, "a size such as 512MB")
    found = parse_size(value.text) if value.tag in {"int", "str"} else None
    if found is None:
        raise Unreadable(
            value.place, f"{what} is {value.text or 'empty'}, which is no size", "write it like 512MB or 2GiB"
        )
    if not key.least <= found <= key.most:
        bounds = f"{written_size(int(key.least))} to {written_size(int(key.most))}"
        raise Unreadable(value.place, f"{what} is {value.text}", f"write a size from {bounds}")
    return found


def choice(node: Node, what: str, key: Key) -> str:
    """Return one of the choices of ``key``."""
    value = scalar(node, what, f"one of {', '.join(key.choices)}")
    if value.tag == "bool":
        raise Unreadable(
            value.place, f"{what} is {value.text}, which YAML reads as a boolean", f"write {' or '.join(key.choices)}"
        )
    if value.tag != "str" or value.text not in key.choices:
        raise Unreadable(value.place, f"{what} is {value.text or 'empty'}", nearest(value.text, key.choices))
    return value.text


def url(node: Node, what: str) -> str:
    """Return an absolute http or https address without spaces or control characters."""
    value = text(node, what)
    if problem := url_problem(value.text):
        raise Unreadable(value.place, f"{what} {problem}", "write it like https://host/path")
    return value.text


def url_problem(address: str) -> str:
    """Return what keeps ``address`` from being an absolute http(s) URL, or nothing."""
    if re.search(r"[\x00-\x20\x7f\\]", address):
        return "holds a space, a control character or a backslash"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is no URL ({error})"
    if parts.scheme not in {"http", "https"}:
        return "does not begin with http:// or https://"
    return "" if host else "has no host"


def json_value(node: Node, what: str) -> Any:
    """Return ``node`` as JSON data. Numbers in other than plain decimal form must be quoted or rewritten."""
    if isinstance(node, Sequence):
        return [json_value(item, what) for item in node.items]
    if isinstance(node, Mapping):
        return {text(name, f"a key of {what}").text: json_value(item, what) for name, item in node.entries}
    if node.tag in {"str", "other"}:
        _check_text(node, what)
        return node.text
    return _JSON_SCALARS[node.tag](node, what)


def _json_number(node: Scalar, what: str) -> float:
    number: float | None = None
    if node.tag == "int" and _INTEGER.fullmatch(node.text):
        number = int(node.text)
    elif node.tag == "float" and _FLOAT.fullmatch(node.text):
        number = float(node.text)
    if number is None or abs(number) >= 2**53:
        raise Unreadable(
            node.place, f"{what} holds the number {node.text}", "write a plain decimal number below 2^53, or quote it"
        )
    return number


_JSON_SCALARS: dict[str, Callable[[Scalar, str], Any]] = {
    "int": _json_number,
    "float": _json_number,
    "bool": boolean,
    "null": lambda _node, _what: None,
}
