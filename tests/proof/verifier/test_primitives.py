"""The verifier's own Ed25519, notes, entry grammar, canonical form and tree agree with other implementations of each."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from proof import verify_lumen_proof as verifier
from proof.errors import NoteError, ProfileError
from proof.format.canonical import canonical_bytes
from proof.format.checkpoint import parse_checkpoint
from proof.format.entry import Entry, decode_entry, encode_entry
from proof.format.merkle import Frontier, NodeId, inclusion_proof
from proof.format.note import VerifierKey, parse_note
from tests.proof.samples import LOG, json_data
from tests.proof.verifier.building import KEY, NEXT, VKEY, Ledger, recursive_root

# RFC 8032, section 7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_vectors(public: str, message: str, signature: str) -> None:
    """The vectors of RFC 8032 verify; with any byte changed they do not."""
    key, text, signed = verifier.Ed25519(bytes.fromhex(public)), bytes.fromhex(message), bytes.fromhex(signature)
    assert key.verifies(text, signed)
    assert not key.verifies(text + b"x", signed)
    for place in range(64):
        assert not key.verifies(text, signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :])


def test_ed25519_is_strict() -> None:
    """A scalar beyond the group order, signatures of other lengths and keys that are no point are refused."""
    public, message, signature = (bytes.fromhex(one) for one in RFC_8032[0])
    key = verifier.Ed25519(public)
    scalar = int.from_bytes(signature[32:], "little") + verifier.ORDER
    assert not key.verifies(message, signature[:32] + scalar.to_bytes(32, "little"))
    assert not key.verifies(message, signature + b"\x00")
    assert not key.verifies(message, signature[:63])
    for bad in (
        b"\xff" * 32,
        (verifier.P + 1).to_bytes(32, "little"),
        (2).to_bytes(32, "little"),
        b"\x01" + b"\x00" * 30 + b"\x80",
    ):
        assert not verifier.Ed25519(bad).verifies(message, signature)
        assert verifier.point_decode(bad) is None


@settings(max_examples=60)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), data=st.data())
def test_ed25519_agrees_with_openssl(seed: bytes, message: bytes, data: st.DataObject) -> None:
    """Keys, messages and damaged signatures: both say the same."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    signature = bytearray(private.sign(message))
    assert verifier.Ed25519(public).verifies(message, bytes(signature))
    signature[data.draw(st.integers(0, 63))] ^= data.draw(st.integers(1, 255))
    accepted = True
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(signature), message)
    except InvalidSignature:
        accepted = False
    assert verifier.Ed25519(public).verifies(message, bytes(signature)) is accepted


def takes_note(raw: bytes) -> bool:
    """Return whether the service's reader takes a note."""
    with contextlib.suppress(NoteError):
        parse_checkpoint(parse_note(raw).text)
        return True
    return False


def reads_note(raw: bytes) -> bool:
    """Return whether the verifier's reader takes a note."""
    with contextlib.suppress(verifier.MalformedError):
        verifier.read_checkpoint(raw, "note")
        return True
    return False


def a_note() -> bytes:
    """Return a checkpoint with two signatures."""
    ledger = Ledger()
    ledger.add("one")
    return ledger.sign(KEY, NEXT)


@settings(max_examples=600)
@given(st.data())
def test_both_readers_of_notes_take_the_same(data: st.DataObject) -> None:
    """Whatever is cut out of a note, put into it or doubled: both readers take it or neither does."""
    raw = a_note()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 8)))
        insert = data.draw(
            st.sampled_from(
                [b"", b"\n", b" ", b"=", b"0", b"+", b"\t", b"\xc2\xa0", b"\xff", "\u2014 ".encode(), raw[:20]]
            )
        )
        raw = raw[:start] + insert + raw[end:]
    assert reads_note(raw) is takes_note(raw)


@pytest.mark.parametrize(
    "text",
    [VKEY, VKEY + "=", VKEY.replace("+", " "), VKEY[:-1], "x" + VKEY, VKEY.upper(), "+" + VKEY, "", VKEY + "\n",
     VKEY.replace(VKEY.split("+")[1], "00000000")],
)  # fmt: skip
def test_both_readers_of_vkeys_take_the_same(text: str) -> None:
    """Only the vkey as it is printed is one."""
    taken = read = True
    try:
        VerifierKey.parse(text)
    except NoteError:
        taken = False
    try:
        verifier.Key(text)
    except verifier.MalformedError:
        read = False
    assert read is taken is (text == VKEY)


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
entries = st.builds(
    Entry,
    log=st.just(LOG),
    seq=st.integers(0, 2**53 - 1),
    prev=st.just(LOG),
    idem=texts,
    kind=texts,
    at=st.just("2026-01-31T12:00:00.000000Z"),
    parts=st.dictionaries(st.from_regex(r"[a-z0-9_]{1,5}", fullmatch=True), st.just("0a" * 32), max_size=4),
    size=st.integers(0, 2**53 - 1),
    key=texts,
)


@settings(max_examples=300)
@given(entries)
def test_the_grammar_takes_every_entry_of_the_service(entry: Entry) -> None:
    """Every entry that the service can write is in the grammar, and its fields are read as they are."""
    read = verifier.read_entry(encode_entry(entry))
    assert read is not None
    assert (read.seq, read.size, read.log.decode(), read.at.decode()) == (entry.seq, entry.size, entry.log, entry.at)
    assert {name.decode(): value.decode() for name, value in read.parts} == entry.parts
    assert json.loads(b'"' + read.idem + b'"') == entry.idem


@settings(max_examples=1500)
@given(entries, st.data())
def test_the_grammar_and_the_service_agree_on_what_is_no_entry(entry: Entry, data: st.DataObject) -> None:
    """Any few bytes of an entry replaced by any others: the grammar takes it if and only if the service does."""
    body = encode_entry(entry)
    start = data.draw(st.integers(0, len(body)))
    end = min(len(body), start + data.draw(st.integers(0, 6)))
    put = data.draw(
        st.binary(max_size=3)
        | st.sampled_from(
            [
                b'"',
                b"\\",
                b"\\u0009",
                b"\\u001f",
                b"\\n",
                b"0",
                b"-",
                b"1e1",
                b",",
                b"\xed\xa0\x80",
                b"\x7f",
                body[start:end] * 2,
            ]
        )
    )
    body = body[:start] + put + body[end:]
    taken = True
    try:
        decode_entry(body)
    except ProfileError:
        taken = False
    assert (verifier.read_entry(body) is not None) is taken


@given(json_data)
def test_the_canonical_form_is_that_of_rfc_8785(data: Any) -> None:
    """The verifier's own serializer writes what the reference implementation writes, and knows it again."""
    assert verifier.canonical(data).encode() == rfc8785.dumps(data)
    assert verifier.is_canonical(canonical_bytes(data))


@settings(max_examples=500)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_ecmascript_does(number: float) -> None:
    """Every float."""
    assert verifier.number_text(number).encode() == rfc8785.dumps(number)


NOT_CANONICAL = [
    *(b"", b" 1", b"1 ", b"01", b"-0", b"1.0", b"1e5", b"1e400", b"NaN", b"Infinity", b"[1, 2]", b"[" * 5000),
    *(b'"\\u0041"', b'"\\/"', b'"\xff"', b'"\\ud800"', b"\xef\xbb\xbf1", b'{"b":1,"a":2}', b'{"a":1,"a":1}'),
    *(b"9007199254740993", b"12345678901234567890123"),
]


@pytest.mark.parametrize("text", NOT_CANONICAL)
def test_what_is_not_canonical(text: bytes) -> None:
    """Other ways to write JSON, and what is no JSON."""
    assert not verifier.is_canonical(text)


@pytest.mark.parametrize("size", range(1, 34))
def test_inclusion_proofs_and_roots(size: int) -> None:
    """For every entry of every size the service's proof is taken, and refused for another leaf, entry, size or root."""
    leaves = [bytes([number]) * 32 for number in range(size)]
    root = recursive_root(leaves)
    stack: list[bytes] = []
    grown = Frontier()

    def look(nodes: Any) -> list[bytes]:
        return [
            recursive_root(leaves[place << level : (place + 1) << level]) for level, place in map(NodeId._make, nodes)
        ]

    for number, leaf in enumerate(leaves):
        grown.add(leaf)
        at, hashed = number, leaf
        while at & 1:
            hashed, at = verifier.node(stack.pop(), hashed), at >> 1
        stack.append(hashed)
    assert verifier.joined(stack) == root == grown.head().root
    for seq in range(size):
        proof = inclusion_proof(seq, size, look)
        assert verifier.included(leaves[seq], seq, size, proof, root)
        assert not verifier.included(b"x" * 32, seq, size, proof, root)
        assert not verifier.included(leaves[seq], seq, size, [*proof, b"x" * 32], root)
        assert not verifier.included(leaves[seq], seq, size, proof[:-1], root) or size == 1
        assert not verifier.included(leaves[seq], seq + size, size, proof, root)
        assert not verifier.included(leaves[seq], seq, size, proof, b"x" * 32)
        assert not verifier.included(leaves[seq], seq, size, [one[:31] for one in proof], root) or size == 1
        if size > 1:
            assert not any(
                verifier.included(leaves[seq], other, size, proof, root) for other in range(size) if other != seq
            )


@pytest.mark.parametrize("count", [1, 16, 100, 101])
def test_a_note_has_at_most_100_signatures(count: int) -> None:
    """Both readers take 100 and refuse more."""
    text, _, lines = a_note().decode().partition("\n\n")
    raw = (text + "\n\n" + lines.splitlines(keepends=True)[0] * count).encode()
    assert reads_note(raw) is takes_note(raw) is (count <= 100)
