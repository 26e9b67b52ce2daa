"""Output is kept in bounded memory and digested whole."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.execution.capture import Capture


def feed(cap: int, *pieces: bytes) -> Capture:
    capture = Capture(cap)
    for piece in pieces:
        capture.feed(piece)
    return capture


@given(st.lists(st.binary(max_size=40)), st.integers(0, 64))
def test_size_and_digest_are_of_everything(pieces: list[bytes], cap: int) -> None:
    """However the stream is cut into pieces and whatever is kept, size and SHA-256 are the whole stream's."""
    captured = feed(cap, *pieces).captured()
    whole = b"".join(pieces)
    assert (captured.bytes, captured.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert captured.truncated == (len(whole) > cap)


@given(st.lists(st.text(max_size=20)), st.integers(0, 64))
def test_text_is_kept_from_both_ends(pieces: list[str], cap: int) -> None:
    """Head is a start of the text, tail an end of it, together at most the cap; a cut splits no character."""
    whole = "".join(pieces)
    captured = feed(cap, *(piece.encode() for piece in pieces)).captured()
    assert whole.startswith(captured.head)
    assert whole.endswith(captured.tail)
    if not captured.truncated:
        assert captured.text == captured.head == whole
    else:
        assert cap - 6 <= len(captured.head.encode()) + len(captured.tail.encode()) <= cap
        assert captured.head in captured.text
        assert captured.sha256 in captured.text


@given(st.binary(max_size=100))
def test_what_is_not_text_is_escaped(data: bytes) -> None:
    """Any bytes can be decoded, and nothing is dropped from a stream below the cap."""
    assert feed(1000, data).captured().head == data.decode(errors="backslashreplace")


def test_memory_is_bounded() -> None:
    """A stream of any length leaves at most twice the cap in memory."""
    capture = Capture(1000)
    for _ in range(1000):
        capture.feed(bytes(700))
        assert len(capture._head) + len(capture._tail) <= 2000


def test_looking_does_not_disturb() -> None:
    """What was captured can be asked for while the stream goes on."""
    capture = feed(8, b"0123456789")
    assert (capture.captured().head, capture.captured().tail) == ("0123", "6789")
    capture.feed(b"ab")
    assert (capture.captured().head, capture.captured().tail, capture.captured().bytes) == ("0123", "89ab", 12)


@pytest.mark.parametrize(
    ("taken", "last"), [(b"", ""), (b"ab", "ab"), (b"x" * 50 + b"end", "xxxxxend"), ("é".encode() * 9, "é" * 4)]
)
def test_the_last_part_can_be_looked_at_before_the_end(taken: bytes, last: str) -> None:
    """The last part of what came so far is there at any time, in whole characters, and looking changes nothing."""
    capture = Capture(40)
    for piece in (taken[:5], taken[5:]):
        capture.feed(piece)
    assert capture.last(8) == last
    assert capture.captured().bytes == len(taken)
    assert capture.last(8) == last


def test_the_last_part_is_the_last_after_a_cut() -> None:
    """However much came, what is looked at is the very end of it."""
    capture = Capture(40)
    for n in range(1000):
        capture.feed(b"line %d\n" % n)
        assert capture.last(10).encode() == b"".join(b"line %d\n" % one for one in range(max(0, n - 3), n + 1))[-10:]
