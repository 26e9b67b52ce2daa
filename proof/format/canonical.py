"""JSON text to data and data to its one byte form (RFC 8785), with every refusal made before a byte is written. Pure."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import rfc8785

from proof.errors import MalformedJsonError, ProfileError

INT_LIMIT = 2**53 - 1
MAX_DEPTH = 100
_MAX_INT_DIGITS = 17  # one more than the largest allowed integer and its sign need
_PATH_LIMIT = 200
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_json(body: bytes) -> Any:
    """Return the data of one JSON document in UTF-8.

    Raises ``MalformedJsonError`` for anything else: other encodings, a byte order mark, duplicate keys, NaN and
    infinities, nesting that no one writes. Integers beyond +-(2^53-1) raise ``ProfileError``.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJsonError(f"the body is not UTF-8: byte {error.start} cannot be read") from None
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJsonError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise MalformedJsonError(f"the body is nested too deeply: at most {MAX_DEPTH} levels are taken") from None


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of JSON data (None, bool, int, float, str, list, dict with str keys; no subclasses).

    Raises ``ProfileError``, naming the place, for NaN, infinities, integers beyond +-(2^53-1), lone surrogates, other
    types and more than 100 levels. Data with ASCII keys and no floats takes the faster serializer of the standard
    library, which gives the same bytes there.
    """
    try:
        plain = _check(value, 0)
    except _RefusalError as refusal:
        raise ProfileError(refusal.sentence()) from None
    return plain_bytes(value) if plain else rfc8785.dumps(value)


def plain_bytes(value: Any) -> bytes:
    """Return the bytes of data already known to have ASCII keys, no floats and no lone surrogates."""
    return _ENCODER.encode(value).encode("utf-8")


class _RefusalError(Exception):
    """A refusal on its way up to the root; each level it passes adds itself to ``path``."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []

    def sentence(self) -> str:
        path = "".join(reversed(self.path)).removeprefix(".")
        place = path if len(path) <= _PATH_LIMIT else path[:_PATH_LIMIT] + "..."
        return f"{place}: {self.problem}" if place else self.problem


def _check(value: Any, depth: int) -> bool:
    """Raise for what has no canonical form; return whether the standard serializer gives the RFC 8785 bytes."""
    if value is None or value is True or value is False:
        return True
    kind = type(value)
    if kind is str:
        _check_text(value)
        return True
    if kind is int:
        if not -INT_LIMIT <= value <= INT_LIMIT:
            raise _RefusalError("the integer is beyond +-(2^53-1): send it as a string")
        return True
    if kind is float:
        if not math.isfinite(value):
            raise _RefusalError("the number is not finite (too large, or NaN): send it as a string")
        return False
    if depth >= MAX_DEPTH:
        raise _RefusalError(f"nested more than {MAX_DEPTH} levels deep")
    if kind is dict:
        return _check_object(value, depth)
    if kind is list:
        return _check_array(value, depth)
    raise _RefusalError(f"{kind.__name__} is not a JSON type")


def _check_object(value: dict[Any, Any], depth: int) -> bool:
    plain = True
    key: Any = None
    try:
        for key, item in value.items():
            _check_key(key)
            plain &= _check(item, depth + 1) and key.isascii()
    except _RefusalError as refusal:
        refusal.path.append("." + ascii(str(key))[1:-1])
        raise
    return plain


def _check_array(value: list[Any], depth: int) -> bool:
    plain = True
    index = 0
    try:
        for index, item in enumerate(value):  # noqa: B007 - the handler below names the place
            plain &= _check(item, depth + 1)
    except _RefusalError as refusal:
        refusal.path.append(f"[{index}]")
        raise
    return plain


def _check_key(key: Any) -> None:
    if type(key) is not str:
        raise _RefusalError("a key is not a string")
    _check_text(key)


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _RefusalError("the text holds a lone surrogate, which is not Unicode: remove it") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # set.add gives None on purpose
        raise MalformedJsonError(f"the key {twice[:_PATH_LIMIT]!a} stands twice in one object")
    return data


def _small_int(digits: str) -> int:
    if len(digits) > _MAX_INT_DIGITS or abs(int(digits)) > INT_LIMIT:
        raise ProfileError("an integer is beyond +-(2^53-1): send it as a string")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise MalformedJsonError(f"{name} is not JSON: send a string or null")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_int=_small_int, parse_constant=_no_constant)
