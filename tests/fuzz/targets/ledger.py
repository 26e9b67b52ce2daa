"""The formats of the ledger, and the offline verifier, which must judge each of them as the service does."""

# ruff: noqa: PT017 - what an error says is part of a promise, and each input may raise it or not

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from proof import verify_lumen_proof as verifier
from proof.errors import MalformedJsonError, NoteError, ProfileError, ProofError, StartError
from proof.format.canonical import canonical_bytes, parse_json
from proof.format.checkpoint import open_checkpoint
from proof.format.entry import decode_entry, encode_entry
from proof.format.note import VerifierKey, parse_note
from proof.signing.continuity import checked_note
from proof.signing.keyfile import create_keys, read_keys
from proof.storing.draft import draft_of
from tests.fuzz.targets.promise import Target, one_line, text_of
from tests.proof.samples import ORIGIN
from tests.proof.verifier.building import KEY, VKEY, judge, reader_verdict, small, sound
from tests.proof.verifier.test_bundle import bundled
from tests.proof.verifier.test_bundle import ledger as ledger_of_alert

_SOUND = sound()
_NOTES = tuple(_SOUND.notes.values())


def json_text(given: bytes) -> None:
    """JSON is refused in one sentence, or has one canonical form, which the offline verifier writes too."""
    try:
        form = canonical_bytes(parse_json(given))
    except (MalformedJsonError, ProfileError) as error:
        one_line(str(error))
        return
    assert _again(form) == form


def _again(form: bytes) -> bytes:
    """Return what the offline verifier writes for ``form``; RFC 8785 writes 9e17 with all its digits, and reads a float."""
    return verifier.canonical(verifier.parse(form)).encode()


def draft(given: bytes) -> None:
    """An append is refused by an error of the ledger, in one sentence, or its parts have canonical bytes."""
    try:
        found = draft_of(parse_json(given))
    except ProofError as error:
        one_line(str(error))
        return
    assert all(_again(data) == data for data in found.parts.values())


def entry(given: bytes) -> None:
    """An entry is what service and offline verifier both take for one, and is written again byte by byte."""
    known = verifier.read_entry(given)
    try:
        found = decode_entry(given)
    except ProfileError as error:
        one_line(str(error))
        assert known is None
        return
    assert encode_entry(found) == given
    assert known is not None
    assert (known.seq, known.size) == (found.seq, found.size)


def note(given: bytes) -> None:
    """No note but those that were signed is a checkpoint, for service and offline verifier; each is written one way."""
    genuine = _text(given) in {_text(one) for one in _NOTES}
    try:
        assert parse_note(given).encode() == given
        open_checkpoint(given, ORIGIN, [KEY.verifier])
        assert genuine
    except NoteError as error:
        assert str(error)
    assert checked_note(given, ORIGIN, (KEY.verifier,)) is None or genuine
    try:
        verifier.read_checkpoint(given, "here")
    except verifier.MalformedError as error:
        assert str(error)


def _text(whole: bytes) -> bytes:
    """Return what is signed: further signatures, of whomever, change nothing about it."""
    return whole.rpartition(b"\n\n")[0]


def vkey(given: bytes) -> None:
    """Service and offline verifier take the same keys."""
    text = text_of(given)
    kinds = []
    for read, error in ((VerifierKey.parse, NoteError), (verifier.Key, verifier.MalformedError)):
        try:
            read(text)
        except error as problem:
            one_line(str(problem))
            kinds.append(False)
        else:
            kinds.append(True)
    assert kinds[0] == kinds[1]


_folder = tempfile.TemporaryDirectory(prefix="lumen-fuzz-")
_EXPORT = small().write(Path(_folder.name) / "export")
_FILES = sorted(path.relative_to(_EXPORT) for path in _EXPORT.rglob("*") if path.is_file())
_SEPARATOR = b"\n=\n"


def export(given: bytes) -> None:
    """A damaged export is never held for a good one, and never crashes who judges it: exit code 1, 2 or 3."""
    number, _, content = given.partition(_SEPARATOR)
    where = _FILES[int.from_bytes(number[:1], "big") % len(_FILES)]
    path = _EXPORT / where
    kept = path.read_bytes()
    try:
        path.write_bytes(content)
        found = judge(_EXPORT)
        strict = judge(_EXPORT, "--strict")
        reader_verdict(_EXPORT)
    finally:
        path.write_bytes(kept)
    for one in (found, strict):
        assert one["exit"] in ({0, 1, 2, 3} if content == kept else {1, 2, 3}), one
        assert one["ok"] or one["reason"]
        verifier.printable(verifier.sentence(one))


def bundle(given: bytes) -> None:
    """Nor is a damaged bundle."""
    path = Path(_folder.name) / "bundle.json"
    path.write_bytes(given)
    found = judge(path)
    assert found["exit"] in ({0} if given == _BUNDLE else {0, 1, 2, 3})
    if found["exit"] == 0:
        assert verifier.parse(given) == verifier.parse(_BUNDLE)
    verifier.printable(verifier.sentence(found))


def key_file(given: bytes) -> None:
    """A file of keys is read, or refused with its path and the way out."""
    path = Path(_folder.name) / "keys.pem"
    path.touch(0o600)
    path.write_bytes(given)
    try:
        found = read_keys(path, ORIGIN)
    except StartError as error:
        assert str(path) in str(error)
        return
    assert found.verifiers


def _key_file() -> bytes:
    path = Path(_folder.name) / "made.pem"
    create_keys(path, ORIGIN)
    return path.read_bytes()


def _damaged() -> tuple[bytes, ...]:
    return tuple(bytes([number]) + _SEPARATOR + (_EXPORT / name).read_bytes() for number, name in enumerate(_FILES))


def _made(bodies: list[Any]) -> tuple[bytes, ...]:
    return tuple(one.body for one in bodies)


_BUNDLE = bundled(ledger_of_alert(), [0, 2, 3, 4, 6, 7])
_JSON = (
    b"null",
    b"[]",
    b"{}",
    b"1e999",
    b"-0",
    b"1.0",
    b"1E3",
    b"9" * 400,
    b"\\ud800",
    b"\\u0000",
    b"\\/",
    b"[" * 2000,
    b" ",
    b",",
    b'"',
    b'"a":1,"a":2',
)
_DRAFT = b'{"idem":"a/b","kind":"command","parts":{"a":{"b":[1.5,null]},"c":"x"}}'

TARGETS = (
    Target(
        "json_text",
        json_text,
        (_DRAFT, b"[1e21,1e-7,0.1,-0.0,9007199254740991]", b'{"\\u20ac":"\\u0080","\xf0\x9f\x98\x80":1}'),
        _JSON,
    ),
    Target("draft", draft, (_DRAFT,), (*_JSON, b"key.rotated", b"part.erased/0/a", b"\x7f", "\u2028".encode())),
    Target(
        "entry", entry, _made(_SOUND.entries), (*_JSON, b'"seq":', b'"v":2', b'"parts":{}', b"\\n", b"\\u000a", b"\x7f")
    ),
    Target(
        "note",
        note,
        _NOTES,
        ("\N{EM DASH} ".encode(), b"\n\n", b"\n", b"+", b"=", b"0", b"18446744073709551616", b"\r", b"\t"),
    ),
    Target(
        "vkey",
        vkey,
        (VKEY.encode(),),
        (b"+", b"=", b"AQ", b" ", b"\n", "\u00a0".encode(), "é".encode(), b"\x7f", "\u0085".encode()),
    ),
    Target(
        "export",
        export,
        _damaged(),
        (b"\n", b"null", b'"data":', b"0" * 64, b"9007199254740993", b"[" * 2000, b"{}", b"\x00"),
        0.04,
    ),
    Target("bundle", bundle, (_BUNDLE,), (*_JSON, b"null", b"0" * 64), 0.1),
    Target(
        "key_file",
        key_file,
        (_key_file(), b"-----BEGIN PRIVATE KEY-----\n"),
        (
            b"-----BEGIN PRIVATE KEY-----",
            b"-----END PRIVATE KEY-----",
            b"-----BEGIN EC PRIVATE KEY-----",
            b"# reason: ",
            b"\n",
            b"\xff",
        ),
        0.2,
    ),
)
