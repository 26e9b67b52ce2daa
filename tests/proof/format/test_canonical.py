"""Strict JSON in, RFC 8785 bytes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given

from proof.errors import MalformedJsonError, ProfileError
from proof.format.canonical import MAX_DEPTH, canonical_bytes, parse_json
from tests.proof.samples import json_data


def nested(levels: int) -> Any:
    """Return lists in lists."""
    data: Any = 1
    for _ in range(levels):
        data = [data]
    return data


@given(json_data)
def test_canonical_bytes_are_rfc_8785(data: Any) -> None:
    """Whatever path is taken inside, the bytes are those of the reference implementation."""
    assert canonical_bytes(data) == rfc8785.dumps(data)


@given(json_data)
def test_any_spelling_of_the_same_data_has_the_same_bytes(data: Any) -> None:
    """Escapes, spaces and the order of keys in the request do not change what is stored."""
    spelled = json.dumps(data, ensure_ascii=True, indent=1).encode()
    assert canonical_bytes(parse_json(spelled)) == canonical_bytes(data)


def test_rfc_8785_appendix_numbers() -> None:
    """Numbers are written as ECMAScript writes them (samples of RFC 8785, appendix B)."""
    numbers = [5e-324, 1.7976931348623157e308, 9.999999999999997e22, 1e21, 0.000001, 1e-7, -0.0, 333333333.33333329]
    expected = b"[5e-324,1.7976931348623157e+308,9.999999999999997e+22,1e+21,0.000001,1e-7,0,333333333.3333333]"
    assert canonical_bytes(numbers) == expected


def test_keys_are_sorted_by_utf_16() -> None:
    """A key beyond the BMP sorts by its surrogates, before U+FB33, unlike by code point (RFC 8785, 3.2.3)."""
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"a": [1, {"b": float("nan")}]}, "a[1].b: "),
        ({"a": float("inf")}, "a: "),
        ([0, 2**53], "[1]: "),
        ({"x": {"y": "\udfff"}}, "x.y: "),
        ({"\ud800": 1}, "\\ud800: "),
        ({1: 2}, "1: "),
        ({"a": (1,)}, "a: "),
    ],
    ids=ascii,
)
def test_a_refusal_names_the_place(data: Any, place: str) -> None:
    """The error leads to the value, by a path in ASCII."""
    with pytest.raises(ProfileError) as caught:
        canonical_bytes(data)
    assert str(caught.value).startswith(place)
    assert str(caught.value).isascii()


def test_a_refusal_is_short_whatever_the_keys_are() -> None:
    """A path of huge keys is cut."""
    with pytest.raises(ProfileError) as caught:
        canonical_bytes({"k" * 100_000: float("nan")})
    assert len(str(caught.value)) < 400


def test_nesting_is_limited() -> None:
    """100 levels are taken, 101 refused, and a depth that exhausts the parser is refused as well."""
    assert canonical_bytes(nested(MAX_DEPTH)).startswith(b"[[")
    with pytest.raises(ProfileError, match="100 levels"):
        canonical_bytes(nested(MAX_DEPTH + 1))
    with pytest.raises(MalformedJsonError, match="too deeply"):
        parse_json(b"[" * 200_000 + b"]" * 200_000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"nul",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"\\u0061":2}}]',
        b"\xef\xbb\xbf{}",
        '"é"'.encode("latin-1"),
        "{}".encode("utf-16"),
        b"\xed\xa0\x80",
        b'"\x00"',
        b'"\n"',
        b"01",
        b"'a'",
    ],
    ids=repr,
)
def test_what_is_not_strict_json_is_malformed(body: bytes) -> None:
    """Only one UTF-8 document of RFC 8259 without duplicate keys is read."""
    with pytest.raises(MalformedJsonError):
        parse_json(body)


@pytest.mark.parametrize("number", ["9007199254740992", "-9007199254740992", "9" * 5000])
def test_integers_that_other_readers_would_round_are_refused(number: str) -> None:
    """Integers beyond +-(2^53-1) are refused, however long."""
    with pytest.raises(ProfileError, match="as a string"):
        parse_json(number.encode())


def test_the_largest_integers_pass() -> None:
    """+-(2^53-1) is exact."""
    assert parse_json(b"[9007199254740991,-9007199254740991]") == [2**53 - 1, 1 - 2**53]
