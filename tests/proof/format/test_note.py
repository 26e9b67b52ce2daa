"""Signed notes and keys: the published examples hold, one content has one spelling, and no changed note is accepted."""

from __future__ import annotations

import base64
import string

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.errors import NoteError, SignatureError
from proof.format.note import SignedNote, SigningKey, VerifierKey, parse_note, sign_note, verify_note

FOO_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
"""The example of C2SP's signed-note with its key."""
NEUMANN_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_TEXT = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.
"""
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""The example of the Go package that the format comes from, with its private key."""

SEED = bytes(range(32))
KEY = SigningKey("example.com/log", Ed25519PrivateKey.from_private_bytes(SEED))
OTHER = SigningKey("example.com/log", Ed25519PrivateKey.from_private_bytes(SEED[::-1]))
TEXT = "example.com/log\n3\nabc\n"
names = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1).filter(
    lambda name: not any(character.isspace() for character in name)
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n")).map(lambda text: text + "\n")


@pytest.mark.parametrize(
    ("secret", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
                "5141438e7a100b"
            ),
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
                "0d291612bb0c00"
            ),
        ),
    ],
)
def test_signatures_are_those_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    """The first two vectors of RFC 8032, section 7.1: same public key, same signature, accepted."""
    key = SigningKey("n", Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
    text = bytes.fromhex(message).decode()
    assert key.verifier.public.hex() == public
    assert key.sign(text).value.hex() == signature
    assert key.verifier.verifies(text, bytes.fromhex(signature))


def test_the_example_of_the_specification_holds() -> None:
    """C2SP's own note is signed by C2SP's own key, and comes out as it went in."""
    note = parse_note(FOO_NOTE.encode())
    key = VerifierKey.parse(FOO_VKEY)
    assert (str(key), key.id, key.key_id.hex()) == (FOO_VKEY, "example.com/foo+530d903a", "530d903a")
    assert verify_note(note, [key]) == (key,)
    assert note.text == "This is an example message.\n"
    assert note.encode() == FOO_NOTE.encode()


def test_the_example_of_the_first_implementation_is_made_again() -> None:
    """The known private key gives the known vkey, and signing gives the known note to the last byte."""
    key = SigningKey("PeterNeumann", Ed25519PrivateKey.from_private_bytes(NEUMANN_SEED))
    assert str(key.verifier) == NEUMANN_VKEY
    assert sign_note(NEUMANN_TEXT, [key]).encode().decode() == f"{NEUMANN_TEXT}\n{NEUMANN_LINE}"


def test_every_signature_of_a_known_key_counts() -> None:
    """A note signed by two keys names both; a third key is told apart, and strangers' signatures are ignored."""
    note = sign_note(TEXT, [KEY, OTHER])
    both = (KEY.verifier, OTHER.verifier)
    assert verify_note(note, both) == both
    assert verify_note(note, [OTHER.verifier]) == (OTHER.verifier,)
    with pytest.raises(SignatureError, match="no known key"):
        verify_note(note, [VerifierKey.parse(FOO_VKEY)])
    with pytest.raises(SignatureError, match="no known key"):
        verify_note(note, [])
    renamed = VerifierKey("example.com/other", KEY.verifier.public)
    with pytest.raises(SignatureError, match="no known key"):
        verify_note(note, [renamed])


def test_one_false_signature_of_a_known_key_spoils_the_note() -> None:
    """A good signature beside a false one of a known key does not help."""
    good, bad = sign_note(TEXT, [KEY]).signatures[0], sign_note("other\n", [OTHER]).signatures[0]
    with pytest.raises(SignatureError, match="is false"):
        verify_note(SignedNote(TEXT, (good, bad)), [KEY.verifier, OTHER.verifier])
    assert verify_note(SignedNote(TEXT, (good, bad)), [KEY.verifier]) == (KEY.verifier,)


def test_every_flipped_bit_of_a_note_is_refused() -> None:
    """Whichever bit of a note is turned: it is no note any more, or not signed by the key."""
    raw = sign_note(TEXT, [KEY]).encode()
    for position in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(NoteError):
            verify_note(parse_note(bytes(changed)), [KEY.verifier])


def test_every_cut_of_a_note_is_refused() -> None:
    """No beginning of a note is a note that the key signed."""
    raw = sign_note(TEXT, [KEY]).encode()
    for length in range(len(raw)):
        with pytest.raises(NoteError):
            verify_note(parse_note(raw[:length]), [KEY.verifier])


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n— n AAAAAAA=\n",
        "text\n\n— n AAAAAAA=",
        "text\n\n— n AAAAAAA=\n\n",
        "text\n\n— n AAAAAAA=\n— n\n",
        "text\n\n— n AAAAAAA= \n",
        "text\n\n— n  AAAAAAA=\n",
        "text\n\n—n AAAAAAA=\n",
        "text\n\n- n AAAAAAA=\n",
        "text\n\n— n AAAAAA==\n",
        "text\n\n— n AAAAAAB=\n",
        "text\n\n— n AAAA\nAAA=\n",
        "text\n\n— n AAAAAAA\n",
        "text\n\n— n AAAAAA*=\n",
        "text\n\n— n AAAAAAé=\n",
        "text\n\n— n+m AAAAAAA=\n",
        "text\n\n— n\u00a0m AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "te\txt\n\n— n AAAAAAA=\n",
        "te\x00xt\n\n— n AAAAAAA=\n",
        "text\r\n\r\n— n AAAAAAA=\r\n",
        "text\n\n" + "— n AAAAAAA=\n" * 101,
        "x" * 65_536 + "\n\n— n AAAAAAA=\n",
    ],
)
def test_what_is_no_note_is_refused(raw: str) -> None:
    """Missing lines, other separators, control characters, base64 with another spelling, too much of anything."""
    with pytest.raises(NoteError):
        parse_note(raw.encode())


def test_what_is_not_text_is_refused() -> None:
    """Bytes that are not UTF-8 are no note, and surrogates cannot be signed."""
    with pytest.raises(NoteError, match="UTF-8"):
        parse_note(b"\xff\n\n")
    with pytest.raises(NoteError, match="Unicode"):
        sign_note("\ud800\n", [KEY])


def test_up_to_a_hundred_signatures_are_read() -> None:
    """Many witnesses may sign; the text may have empty lines of its own."""
    note = parse_note(("a\n\nb\n\n" + "— n AAAAAAA=\n" * 100).encode())
    assert (note.text, len(note.signatures)) == ("a\n\nb\n", 100)


def test_a_note_needs_a_signature() -> None:
    """Nothing is signed with no key, nor a text that a note cannot hold."""
    for text, keys in [(TEXT, []), ("no line break", [KEY]), ("", [KEY]), ("tab\t\n", [KEY])]:
        with pytest.raises(NoteError):
            sign_note(text, keys)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
        " example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+",
    ],
)
def test_what_is_no_vkey_is_refused(vkey: str) -> None:
    """A vkey that is not whole, of another type, or written another way is not taken."""
    with pytest.raises(NoteError):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x1fb", "\ud800"])
def test_names_that_no_key_has(name: str) -> None:
    """Empty names, spaces of any script, plus and control characters are refused."""
    with pytest.raises(NoteError):
        VerifierKey(name, bytes(32))


def test_a_signing_key_hides_its_secret() -> None:
    """The text of a key names its public half only."""
    assert repr(KEY) == f"SigningKey({KEY.verifier.id})"
    assert set(repr(KEY).removeprefix(f"SigningKey({KEY.verifier.name}+").removesuffix(")")) <= set(string.hexdigits)


@given(name=names, text=texts, seed=st.binary(min_size=32, max_size=32))
@settings(max_examples=100)
def test_what_is_signed_comes_back(name: str, text: str, seed: bytes) -> None:
    """Any text under any name: the note parses to itself, verifies, and its vkey parses to its key."""
    key = SigningKey(name, Ed25519PrivateKey.from_private_bytes(seed))
    note = sign_note(text, [key])
    assert parse_note(note.encode()) == note
    assert verify_note(note, [key.verifier]) == (key.verifier,)
    assert VerifierKey.parse(str(key.verifier)) == key.verifier


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_answered(raw: bytes) -> None:
    """Whatever arrives is a note that encodes to the same bytes, or is refused."""
    try:
        note = parse_note(raw)
    except NoteError:
        return
    assert note.encode() == raw
