from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.errors import BallotError, SealError
from lumen.links import Link, check_fresh, link_token, link_url, read_link
from lumen.sealing import seal, unseal

KEYS = {"k2": "the newest bridge secret", "k1": "an older bridge secret"}
_TEXT = st.text(max_size=60)
LINKS = st.builds(Link, _TEXT, _TEXT, _TEXT, _TEXT, st.integers(0, 2**53 - 1), _TEXT)
LINK = Link("alertmanager-0aa043e5d176c819", "run.1.1", "sha256:shown", "alice@example.com", 1795369309, "jti-1")


@given(LINKS)
def test_a_link_is_read_as_it_was_made(link: Link) -> None:
    """What goes into a token comes out of it, whatever the text, and the token needs no escape in an address."""
    token = link_token(link, KEYS)
    assert read_link(token, KEYS) == link
    [carried] = parse_qs(urlsplit(link_url("https://lumen.example/", token)).query)["token"]
    assert carried == token
    assert link_url("https://lumen.example/", token) == f"https://lumen.example/decision?token={token}"


def test_the_format_is_fixed() -> None:
    """The same link under the same key is the same token for ever: links that are out must stay good over an upgrade."""
    assert link_token(LINK, KEYS) == (
        "v1.k2.eyJhIjoicnVuLjEuMSIsImQiOiJzaGEyNTY6c2hvd24iLCJqIjoianRpLTEiLCJrIjoiYWxlcnRtYW5hZ2VyLTBhYTA0M2U1ZDE3NmM4MTki"
        "LCJwIjoiYWxpY2VAZXhhbXBsZS5jb20iLCJ4IjoxNzk1MzY5MzA5fQ.t9QvzXfFL7iGCqKEKuXYXTGtnOFTOoy3EWXtEMLdQmo"
    )


def test_the_newest_key_signs_and_all_verify() -> None:
    """A new key signs at once, links of the older ones count until theirs is dropped: no downtime."""
    before = link_token(LINK, {"k1": KEYS["k1"]})
    after = link_token(LINK, KEYS)
    assert [before.split(".")[1], after.split(".")[1]] == ["k1", "k2"]
    assert read_link(before, KEYS) == read_link(after, KEYS) == LINK
    with pytest.raises(BallotError, match="not valid") as caught:
        read_link(before, {"k2": KEYS["k2"]})
    assert caught.value.reason == "forged"


def test_expiry_is_to_the_second() -> None:
    """A link counts before its second of expiry, not in it."""
    check_fresh(LINK, LINK.expires - 0.001)
    with pytest.raises(BallotError) as caught:
        check_fresh(LINK, LINK.expires)
    assert caught.value.reason == "expired"


def test_a_seal_is_for_one_purpose() -> None:
    """A session is no link and a link no form, though the same keys seal both."""
    sealed = seal("session", {"a": 1}, KEYS)
    assert unseal("session", sealed, KEYS) == {"a": 1}
    for purpose in ("link", "form", "Session", "session/v1\nx", ""):
        with pytest.raises(SealError):
            unseal(purpose, sealed, KEYS)


def test_what_another_version_sealed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that nobody can read, under a good seal, is refused like any other."""
    monkeypatch.setattr("lumen.sealing.canonical_json", lambda _payload: b"[" * 2000)
    sealed = seal("link", {}, KEYS)
    with pytest.raises(SealError):
        unseal("link", sealed, KEYS)


@given(st.text(max_size=300))
def test_no_other_text_is_a_seal(text: str) -> None:
    """Any text that was not made here is refused, never anything else."""
    with pytest.raises(SealError):
        unseal("link", text, KEYS)
    with pytest.raises(SealError):
        unseal("link", f"v1.k2.{text}", KEYS)
