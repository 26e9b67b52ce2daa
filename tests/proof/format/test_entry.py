"""The bytes of the ledger, against values made without this program (sha256sum and openssl) and from first principles."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from proof.errors import NonCanonicalError, ProfileError
from proof.format.canonical import plain_bytes
from proof.format.entry import (
    MAX_ENTRY_BYTES,
    Entry,
    decode_entry,
    encode_entry,
    leaf_hash,
    log_id,
    part_commitment,
)

LOG = "a6ae7de0f04a21a68833ef4356e52d01ac545b1861499b92c09e640c2650ade1"
COMMITMENT = "2ba52de6a37c303c75598fd202a18c580a2e928073bc64e6303ba03478f0a1f5"
LEAF_0 = "ae8c0351a8aee321b862de35590a018b856c01b28a97621f4ed14de4a769b439"
LEAF_1 = "57838f416b5407a332393c354293d1e40d9b6c5f436355eadbccbf751d30572e"
PART = '{"b":"é","n":[1,0.5]}'.encode()
ENTRY_0 = Entry(
    log=LOG,
    seq=0,
    prev=LOG,
    idem="alert-1/run/1/started",
    kind="action.started",
    at="2026-01-31T12:00:00.000000Z",
    parts={"action": COMMITMENT},
    size=22,
)
BODY_0 = (
    '{"at":"2026-01-31T12:00:00.000000Z","bytes":22,"idem":"alert-1/run/1/started","key":"none",'
    f'"kind":"action.started","log":"{LOG}","parts":{{"action":"{COMMITMENT}"}},"prev":"{LOG}","seq":0,"v":1}}'
).encode()

keys = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
inside = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
)


def test_the_log_id_is_the_documented_hash() -> None:
    """The log id is SHA-256 over the tag and the length-framed origin and salt."""
    framed = b"lumen/proof/v1\n" + b"\0\0\0\x12" + b"example.com/ledger" + b"\0\0\0\x06" + b"pepper"
    assert log_id("example.com/ledger", b"pepper") == LOG == hashlib.sha256(framed).hexdigest()


def test_the_frame_of_the_log_id_cannot_be_shifted() -> None:
    """Moving a byte from origin to salt gives another log."""
    assert log_id("ab", b"c") != log_id("a", b"bc")


def test_the_commitment_is_the_documented_hmac() -> None:
    """A part is committed to by HMAC-SHA-256 under its salt over tag, name and data."""
    salt = bytes(range(32))
    expected = hmac.new(salt, b"lumen/proof/v1/part\naction\n" + PART, "sha256").hexdigest()
    assert part_commitment(salt, "action", PART) == COMMITMENT == expected


def test_a_salt_of_another_length_is_refused() -> None:
    """Only 32-byte salts make a commitment: a shorter one could be guessed."""
    with pytest.raises(ProfileError, match="32 bytes"):
        part_commitment(b"short", "action", PART)


def test_the_bytes_and_leaf_of_an_entry_are_fixed() -> None:
    """The same entry has the same bytes and leaf hashes for ever, also with text beyond ASCII and no parts."""
    assert encode_entry(ENTRY_0) == BODY_0
    assert leaf_hash(BODY_0).hex() == LEAF_0 == hashlib.sha256(b"\0" + BODY_0).hexdigest()
    second = dataclasses.replace(
        ENTRY_0, seq=1, prev=LEAF_0, idem="키", kind="rules.loaded", at="2026-01-31T12:00:01.000000Z", parts={}, size=0
    )
    assert leaf_hash(encode_entry(second)).hex() == LEAF_1


def test_decoding_is_the_inverse_of_encoding() -> None:
    """An entry read from its bytes equals the one that was written."""
    assert decode_entry(BODY_0) == ENTRY_0


@given(inside)
def test_inside_the_profile_both_serializers_agree(data: Any) -> None:
    """The standard serializer gives exactly the RFC 8785 bytes for everything that the profile allows."""
    assert plain_bytes(data) == rfc8785.dumps(data)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": -1},
        {"seq": True},
        {"seq": 1.0},
        {"log": "0" * 63},
        {"log": "A" * 64},
        {"prev": ""},
        {"idem": ""},
        {"key": ""},
        {"kind": ""},
        {"at": "2026-01-31T12:00:00Z"},
        {"at": "2026-01-31T12:00:00.000000+00:00"},
        {"parts": {"a": "x"}},
        {"parts": {"A": "0" * 64}},
        {"parts": {"a": None}},
        {"parts": {"": "0" * 64}},
        {"parts": {"a-b": "0" * 64}},
        {"parts": {"é": "0" * 64}},
        {"parts": {1: "0" * 64}},
        {"size": -1},
        {"size": 2**53},
        {"seq": 2**53},
        {"idem": "\ud800"},
        {"kind": b"x"},
    ],
    ids=repr,
)
def test_an_entry_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    """Each field of an entry has one form."""
    with pytest.raises(ProfileError):
        encode_entry(dataclasses.replace(ENTRY_0, **change))


def test_an_entry_is_at_most_65535_bytes() -> None:
    """65,535 bytes are taken and read back; one more is refused on both ways."""
    room = MAX_ENTRY_BYTES - len(encode_entry(dataclasses.replace(ENTRY_0, idem="x"))) + 1
    largest = encode_entry(dataclasses.replace(ENTRY_0, idem="x" * room))
    assert len(largest) == 65_535
    assert decode_entry(largest).idem == "x" * room
    with pytest.raises(ProfileError, match="65535"):
        encode_entry(dataclasses.replace(ENTRY_0, idem="x" * (room + 1)))
    with pytest.raises(ProfileError, match="65535"):
        decode_entry(largest.replace(b"xx", b"xxx", 1))


@pytest.mark.parametrize(
    "body",
    [
        BODY_0 + b"\n",
        b" " + BODY_0,
        BODY_0.replace(b'"v":1', b'"v": 1'),
        BODY_0.replace(b"alert", b"\\u0061lert"),
        json.dumps(dict(reversed(json.loads(BODY_0).items())), separators=(",", ":")).encode(),
    ],
)
def test_other_bytes_of_the_same_content_are_not_the_entry(body: bytes) -> None:
    """Spaces, escapes and another order of keys are told apart from the canonical bytes."""
    with pytest.raises(NonCanonicalError):
        decode_entry(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        BODY_0[:-1],
        BODY_0.replace(b'"v":1', b'"v":2'),
        BODY_0.replace(b'"v":1', b'"v":1,"w":1'),
        BODY_0.replace(b'"bytes":22,', b""),
        BODY_0.replace(b'"seq":0', b'"seq":0,"seq":0'),
        BODY_0.replace(b'"bytes":22', b'"bytes":22.0'),
        BODY_0.replace(b"started", b"st\\ud800ed"),
    ],
)
def test_what_is_no_entry_is_refused(body: bytes) -> None:
    """Bytes that are no JSON, lack a field, have one too many or twice, or hold a float, are refused."""
    with pytest.raises(ProfileError):
        decode_entry(body)
