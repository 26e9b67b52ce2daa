"""No form of a secret leaves a stream, however it is cut, and nothing else is lost."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.execution.hiding import MASK, Hider, forms_of

SECRET = "s3cr3t/of+the base=ü%>>?~~~"
KEY = "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIE\nIJ+DYvh6SEqVTm50DFt\n-----END KEY-----"


def through(secrets: list[str], *pieces: bytes) -> bytes:
    """What a stream of these pieces shows."""
    hider = Hider(secrets)
    return b"".join([*(hider.take(piece) for piece in pieces), hider.rest()])


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def coded(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [
        raw,
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        re.sub("%..", lambda escape: escape[0].lower(), quote(secret, safe="")).encode(),
        json.dumps(secret)[1:-1].encode(),
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        base64.b64encode(b"user:" + raw),
        base64.b64encode(b"admin:" + raw),
        base64.b64encode(b"{pw}" + raw + b"\nand more"),
    ]


@pytest.mark.parametrize("form", coded(SECRET))
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_every_usual_form_is_hidden(form: bytes, size: int) -> None:
    """Plain, URL-encoded, in JSON and in Base64 at any offset, in pieces of any size, what is around it stays."""
    shown = through([SECRET], *pieces_of(b"before <" + form + b"> after", size))
    assert shown.startswith(b"before <")
    assert shown.endswith(b"> after")
    assert MASK in shown
    assert not any(form in shown for form in forms_of(SECRET))
    assert len(shown) < len(b"before <" + MASK + b"> after") + 30


@given(
    st.lists(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=4),
    st.lists(st.text("abc", max_size=8), max_size=12),
)
def test_no_secret_is_left_and_nothing_else_is_lost(secrets: list[str], pieces: list[str]) -> None:
    """For secrets that overlap, repeat and contain each other: exactly their bytes are masked, each run of them once."""
    text = "".join(pieces)
    hider = Hider(secrets)
    shown = b"".join(hider.take(piece.encode()) for piece in pieces)
    held = hider._held
    covered = [any(text.startswith(one, at) for one in secrets) for at in range(len(text))]
    for at, begins in enumerate(covered.copy()):
        if begins:
            longest = max(len(one) for one in secrets if text.startswith(one, at))
            covered[at : at + longest] = [True] * longest
    wanted = ""
    for at in range(len(text) - len(held)):
        if not covered[at]:
            wanted += text[at]
        elif not at or not covered[at - 1]:
            wanted += MASK.decode()
    assert shown.decode() == wanted


@given(st.lists(st.binary(max_size=30)), st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12))
def test_how_a_stream_is_cut_makes_no_difference(pieces: list[bytes], secret: str) -> None:
    """A secret over any border of pieces is found as it is in one piece."""
    try:
        secret.encode()
    except UnicodeEncodeError:
        return
    with_secret = [*pieces, secret.encode()[:3], secret.encode()[3:], b"."]
    assert through([secret], *with_secret) == through([secret], b"".join(with_secret))


def test_each_line_of_a_key_is_hidden() -> None:
    """A program that indents a key, or prints one line of it, still tells nothing of it."""
    shown = through([KEY], *(f"  | {line}\n".encode() for line in KEY.splitlines()))
    assert shown == b"  | (redacted)\n" * 4


@pytest.mark.parametrize(("end", "shown"), [(b"s3c", b"s3c"), (b"s3cr", MASK), (SECRET.encode()[:-1], MASK)])
def test_a_stream_that_ends_within_a_secret(end: bytes, shown: bytes) -> None:
    """The beginning of a secret at the end of a stream is hidden too, unless it is so short that it says nothing."""
    assert through([SECRET], b"x ", end) == b"x " + shown


def test_a_short_secret_within_the_beginning_of_another() -> None:
    """A whole secret that is the beginning of a longer one is hidden at the end of the stream."""
    assert through(["abc", "abcdefgh"], b"x abc") == b"x " + MASK


@pytest.mark.parametrize("output", [b"a", b"ab", b"-----BEGIN KEY-----\n"])
def test_what_is_kept_back_is_bounded(output: bytes) -> None:
    """A stream that always could be the beginning of a secret keeps less than one secret waiting."""
    hider = Hider(["a" * 500 + "z", KEY])
    for _ in range(3000):
        hider.take(output)
        assert len(hider._held) < 1000
