"""One byte form for JSON, so that a digest means its content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.canonical import canonical_json, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def turned(data: Any) -> Any:
    """Return the same data with the keys of every object in the opposite order."""
    if isinstance(data, dict):
        return {key: turned(data[key]) for key in reversed(data)}
    return [turned(item) for item in data] if isinstance(data, list) else data


@given(JSON)
def test_the_order_of_keys_does_not_matter(data: Any) -> None:
    """Objects that differ in the order of their keys only have the same bytes."""
    assert canonical_json(turned(data)) == canonical_json(data)


@given(JSON)
def test_the_bytes_read_back_to_the_same_data(data: Any) -> None:
    """The form loses nothing, so different data have different bytes."""
    assert json.loads(canonical_json(data).decode("utf-8", "surrogatepass")) == data


@given(JSON)
def test_a_digest_is_the_sha256_of_the_bytes(data: Any) -> None:
    """A digest names its algorithm and is the hash of the canonical bytes."""
    assert digest(data) == "sha256:" + hashlib.sha256(canonical_json(data)).hexdigest()


def test_the_bytes_have_no_spaces_and_keep_their_script() -> None:
    """The form is compact UTF-8 with sorted keys."""
    assert canonical_json({"b": [1, 2.5, None], "a": "디스크"}) == '{"a":"디스크","b":[1,2.5,null]}'.encode()


def test_half_a_surrogate_pair_has_bytes_too() -> None:
    """Text that is no valid Unicode has a digest like any other, and not that of its replacement."""
    assert digest("\ud800") != digest("?")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_know_are_refused(number: float) -> None:
    """NaN and the infinities have no JSON form."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"deep": [number]})
