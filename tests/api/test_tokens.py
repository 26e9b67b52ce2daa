from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tokens import Caller, Scope, build_token_book, parse_tokens_file
from lumen.errors import SettingsError

HASH = hashlib.sha256(b"alice-secret").hexdigest()
OTHER = hashlib.sha256(b"bob-secret").hexdigest()


def test_reads_the_file() -> None:
    """The tokens file gives each token its person, in lower case, and its scopes."""
    text = f"{HASH}: {{actor: Alice@Example.com, scopes: [read, vote]}}\n{OTHER.upper()}:\n  actor: bob\n  scopes: [command]\n"
    callers = parse_tokens_file(text, "tokens.yaml")
    assert callers[bytes.fromhex(HASH)] == Caller(frozenset({Scope.READ, Scope.VOTE}), "alice@example.com")
    assert callers[bytes.fromhex(OTHER)] == Caller(frozenset({Scope.COMMAND}), "bob")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "t.yaml:1: want at least one"),
        ("{}", "t.yaml:1: want at least one"),
        ("[]", "t.yaml:1: want at least one"),
        ("a: [", "t.yaml:1: not YAML"),
        ("\n- \x00", "t.yaml:1: not YAML"),
        ("[" * 2000, "t.yaml:1: not YAML"),
        ("- " * 1000, "t.yaml:1: not YAML"),
        (r'"\U00110000"', "t.yaml:1: not YAML"),
        (r'"\UFFFFFFFF"', "t.yaml:1: not YAML"),
        (f"\n{HASH[:-1]}: {{actor: a, scopes: [read]}}", "t.yaml:2: a token stands here as its SHA-256"),
        ("alice-secret: {actor: a, scopes: [read]}", "t.yaml:1: a token stands here as its SHA-256"),
        ("[a]: {actor: a, scopes: [read]}", "t.yaml:1: want plain text"),
        (f"{HASH}: read", "t.yaml:1: want {actor"),
        (f"{HASH}: {{actor: a}}", "exactly the keys actor and scopes"),
        (f"{HASH}: {{actor: a, scopes: [read], name: x}}", "exactly the keys actor and scopes"),
        (f"{HASH}: {{actor: '', scopes: [read]}}", "actor must name one person"),
        (f"{HASH}: {{actor: two words, scopes: [read]}}", "actor must name one person"),
        (f"{HASH}: {{actor: [a], scopes: [read]}}", "want plain text"),
        (f"{HASH}: {{actor: a, scopes: []}}", "at least one of command, override, read, vote"),
        (f"{HASH}: {{actor: a, scopes: read}}", "scopes must be a list"),
        (f"{HASH}: {{actor: a, scopes: [read, admin]}}", "admin is not a scope"),
        (f"{HASH}: {{actor: a, scopes: [webhook]}}", "webhook is not a scope"),
        (
            f"{HASH}: {{actor: a, scopes: [read]}}\n{HASH}: {{actor: b, scopes: [read]}}",
            "t.yaml:2: this token stands here twice",
        ),
    ],
)
def test_refuses_a_bad_file(text: str, complaint: str) -> None:
    """A tokens file that is not exactly right stops the start with one line that says where; nothing is guessed."""
    with pytest.raises(SettingsError) as error:
        parse_tokens_file(text, "t.yaml")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_token_in_clear_is_not_repeated() -> None:
    """Somebody who writes the token itself into the file does not find it in the error, and so in a log."""
    with pytest.raises(SettingsError) as error:
        parse_tokens_file("my-secret-token: {actor: a, scopes: [read]}", "t.yaml")
    assert "my-secret-token" not in str(error.value)


def test_all_tokens_of_a_list_count() -> None:
    """While tokens are rotated, the old and the new one are good."""
    book = build_token_book(["new", "old"], ["api-new", "api-old"], {}, embedded=False)
    for token in ("new", "old"):
        caller = book.caller(f"Bearer {token}")
        assert caller is not None
        assert caller.scopes == {Scope.WEBHOOK}
    for token in ("api-new", "api-old"):
        assert book.caller(f"Bearer {token}") == Caller(frozenset({Scope.READ}))


def test_unbound_tokens_in_embedded_mode() -> None:
    """An unbound API token may do everything in embedded mode, and only read otherwise."""
    embedded = build_token_book([], ["api"], {}, embedded=True).caller("Bearer api")
    assert embedded == Caller(frozenset(Scope))


def test_one_value_for_two() -> None:
    """The same value may be a webhook token and an API token; what the tokens file says of it wins over the latter."""
    plain = build_token_book(["t"], ["t"], {}, embedded=False).caller("Bearer t")
    assert plain == Caller(frozenset({Scope.WEBHOOK, Scope.READ}))
    digest = hashlib.sha256(b"t").digest()
    bound = build_token_book(["t"], ["t"], {digest: Caller(frozenset({Scope.VOTE}), "a")}, embedded=True)
    assert bound.caller("Bearer t") == Caller(frozenset({Scope.WEBHOOK, Scope.VOTE}), "a")


def test_no_tokens_no_entry() -> None:
    """Without any configured token nobody gets in, and neither does an empty one."""
    book = build_token_book([], [], {}, embedded=True)
    for header in ("", "Bearer", "Bearer ", "Basic Og==", "Bearer x"):
        assert book.caller(header) is None


def test_an_empty_token_never_gets_in() -> None:
    """Even a tokens file that holds the digest of nothing opens no door to a request without a token."""
    nothing = {hashlib.sha256(b"").digest(): Caller(frozenset({Scope.READ}), "a")}
    book = build_token_book([], [], nothing, embedded=False)
    for header in ("", "Bearer ", "Basic " + base64.b64encode(b"user:").decode()):
        assert book.caller(header) is None


@given(st.text())
def test_any_header_is_harmless(header: str) -> None:
    """No Authorization header raises or gets in by being odd."""
    book = build_token_book(["the only token"], [], {}, embedded=False)
    caller = book.caller(header)
    assert caller is None or header.strip().lower() == "bearer the only token"


@given(st.binary(), st.sampled_from(["Basic", "bAsIc"]))
def test_any_basic_credentials_are_harmless(raw: bytes, scheme: str) -> None:
    """No Basic credentials raise; only the right password gets in."""
    book = build_token_book(["pw"], [], {}, embedded=False)
    caller = book.caller(f"{scheme} {base64.b64encode(raw).decode()}")
    assert (caller is not None) == (raw.partition(b":")[1:] == (b":", b"pw"))
