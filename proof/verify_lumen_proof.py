"""Verify an export or a bundle of a Lumen ledger. One file, Python 3.9 or newer, standard library only: copy it anywhere.

    python3 -I verify_lumen_proof.py EXPORT --vkey KEY [--against KEPT.note] [--max-age 7d] [--witness KEY] [--strict]
    python3 -I verify_lumen_proof.py BUNDLE.json --vkey KEY

Exit codes: 0 it holds; 1 tampered with or damaged (first bad seq and why); 2 wrong usage or unreadable; 3 it holds as far
as it goes, but its end is unsigned or it is too old. The formats are defined in docs/ledger-format.md of Lumen. This
file shares no code with the service that writes the ledger, so that one does not repeat the mistakes of the other.
"""

# ruff: noqa: UP017, B905, RUF007, PYI034 - Python 3.9 has no datetime.UTC, zip(strict=), pairwise and Self

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import math
import re
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

HOLDS, TAMPERED, UNREADABLE, UNPROVEN = 0, 1, 2, 3
LIMIT = 2**53 - 1
ENTRY_LIMIT = 65_535
PART_LIMIT = 64 * 1024 * 1024
NOTE_LIMIT = 64 * 1024
ANCHOR_LIMIT = 1024 * 1024
BUNDLE_LIMIT = 128 * 1024 * 1024
SMALL_LIMIT = 1024 * 1024 * 1024  # all checkpoints and anchors together, each at least LEAST: they are kept in memory
LEAST = 256
TOO_MUCH = "the checkpoints and anchors have more than {} bytes, each counted as at least {}"
CHUNK = 1024 * 1024
BUCKETS = 256
SAY_EVERY = 2.0  # seconds
AHEAD = 300  # seconds that another clock may be ahead of this one
MANY = 1000
"""Checkpoints whose signatures are all verified. Of more, those that say nothing new are left to --strict: 2 ms each."""


class Tampered(Exception):  # noqa: N818 - it is a finding, not an error of this program
    """Something does not hold; ``seq`` is the first bad entry, or None where no entry is at fault."""

    def __init__(self, seq: int | None, code: str, reason: str) -> None:
        super().__init__(reason)
        self.seq, self.code, self.reason = seq, code, reason


class Unreadable(Exception):  # noqa: N818 - likewise
    """This program cannot do what it was asked: exit code 2."""


class Unproven(Exception):  # noqa: N818 - likewise
    """What is there holds, but its end is not signed, or it is too old: exit code 3."""


# --- Ed25519 (RFC 8032, section 5.1) ------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 4 * pow(5, P - 2, P) % P
Point = tuple[int, int, int, int]  # (X, Y, Z, T), extended coordinates


def point_add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_decode(raw: bytes) -> Point | None:
    """Return the point that these 32 bytes are the one canonical encoding of, or None."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def point_encode(p: Point) -> bytes:
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def multiples(p: Point) -> list[list[Point]]:
    """Return row i, column j: j * 16^i times ``p``. One multiplication is then 64 additions."""
    rows = []
    for _ in range(64):
        row = [(0, 1, 1, 0)]
        for _ in range(15):
            row.append(point_add(row[-1], p))
        rows.append(row)
        p = point_add(row[-1], p)
    return rows


def times(rows: list[list[Point]], factor: int) -> Point:
    total = (0, 1, 1, 0)
    for row in rows:
        total = point_add(total, row[factor & 15])
        factor >>= 4
    return total


class Ed25519:
    """One public key (32 bytes)."""

    base: list[list[Point]] | None = None

    def __init__(self, public: bytes) -> None:
        self.public = public
        self.rows: list[list[Point]] | None = None

    def verifies(self, message: bytes, signature: bytes) -> bool:
        scalar = int.from_bytes(signature[32:], "little")
        point = point_decode(self.public)
        if len(signature) != 64 or scalar >= ORDER or point is None:
            return False
        if Ed25519.base is None:
            Ed25519.base = multiples((BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P))
        if self.rows is None:
            self.rows = multiples((P - point[0], point[1], 1, P - point[3]))  # of minus the key
        digest = hashlib.sha512(signature[:32] + self.public + message).digest()
        factor = int.from_bytes(digest, "little") % ORDER
        return point_encode(point_add(times(Ed25519.base, scalar), times(self.rows, factor))) == signature[:32]


# --- Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature) -----------------------------------

LOG_KEY, WITNESS_KEY = b"\x01", b"\x04"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class MalformedError(ValueError):
    """A key, a note or a proof is not what it should be; the text says how."""


class Key:
    """A verifier key; ``id`` is ``name+8 hex digits``, ``text`` the whole vkey."""

    def __init__(self, text: str, kind: bytes = LOG_KEY) -> None:
        pieces = text.split("+", 2)
        # A name in the command line that is no UTF-8 comes with half surrogate pairs, which have no bytes to hash.
        if len(pieces) != 3 or not is_name(pieces[0]) or any("\ud800" <= c <= "\udfff" for c in pieces[0]):
            raise MalformedError("a vkey is like name+8 hex digits+base64")
        content = from_base64(pieces[2])
        digest = hashlib.sha256(pieces[0].encode() + b"\n" + content).digest()[:4]
        if content[:1] != kind or len(content) != 33:
            raise MalformedError("the vkey is not of type Ed25519, or of a kind that is not expected here")
        if digest.hex() != pieces[1]:
            raise MalformedError("the key id in the vkey is not that of its key")
        self.name, self.digest, self.text = pieces[0], digest, text
        self.id = pieces[0] + "+" + pieces[1]
        self.ed25519 = Ed25519(content[1:])


class Checkpoint(NamedTuple):
    """``signatures`` are (name, key id, the rest); ``place`` says where it was read, for messages."""

    place: str
    text: str
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes, bytes]]


def is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(c.isspace() for c in text) and not CONTROL.search(text)


def from_base64(text: str) -> bytes:
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise MalformedError("not base64") from None
    if base64.b64encode(content).decode() != text:
        raise MalformedError("not the canonical form of base64")
    return content


def read_checkpoint(raw: bytes, place: str) -> Checkpoint:
    """Return the checkpoint in a signed note; raises ``MalformedError``. Nothing about its signatures is verified here."""
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("not UTF-8") from None
    if len(raw) > NOTE_LIMIT or CONTROL.search(whole):
        raise MalformedError("too long, or holds control characters")
    end = whole.rfind("\n\n") + 1
    if end == 0 or not whole.endswith("\n"):
        raise MalformedError("a text, an empty line and signatures are needed")
    text, lines = whole[:end], whole[end + 1 : -1].split("\n")
    origin, size, root = checkpoint_text(text)
    signatures = []
    for line in lines:
        mark, name, encoded = ([*line.split(" "), "", ""])[:3]
        content = from_base64(encoded)
        if mark != "\N{EM DASH}" or line.count(" ") != 2 or not is_name(name) or len(content) < 5:
            raise MalformedError("a line is not a signature")
        signatures.append((name, content[:4], content[4:]))
    if not 0 < len(signatures) <= 100:
        raise MalformedError("it must have 1 to 100 signatures")
    return Checkpoint(place, text, origin, size, root, signatures)


def checkpoint_text(text: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not is_name(lines[0]):
        raise MalformedError("a checkpoint has three lines: origin, size, root")
    root = from_base64(lines[2])
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1], re.ASCII) or int(lines[1]) > LIMIT or len(root) != 32:
        raise MalformedError("the size or the root of the checkpoint is malformed")
    return lines[0], int(lines[1]), root


def signers(checkpoint: Checkpoint, keys: list[Key]) -> list[Key]:
    """Return those of ``keys`` that signed; a false signature under a known name and id raises ``Tampered``."""
    found = []
    for name, digest, signature in checkpoint.signatures:
        for key in keys:
            if (key.name, key.digest) == (name, digest):
                if not key.ed25519.verifies(checkpoint.text.encode(), signature):
                    raise Tampered(None, "checkpoint", f"{checkpoint.place}: the signature of {key.id!a} is false")
                found.append(key)
    return found


def cosigned_at(checkpoint: Checkpoint, witness: Key) -> int | None:
    """Return when ``witness`` cosigned, in seconds since 1970, or None if it did not; raises ``Tampered``."""
    newest = None
    for name, digest, content in checkpoint.signatures:
        if (name, digest) == (witness.name, witness.digest):
            when = int.from_bytes(content[:8], "big")
            message = f"cosignature/v1\ntime {when}\n{checkpoint.text}".encode()
            if not witness.ed25519.verifies(message, content[8:]):
                raise Tampered(None, "checkpoint", f"{checkpoint.place}: the cosignature of {witness.id!a} is false")
            newest = max(when, newest or 0)
    return newest


# --- Entries, parts, canonical JSON ---------------------------------------------------------------------------------------

_NUMBER = rb"(0|[1-9][0-9]{0,15})"
_HASH = rb"[0-9a-f]{64}"
_PLAIN = rb'[^"\\\x00-\x1f]*'
_ESCAPE = rb'\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))'
_STRING = rb'"(?!")(' + _PLAIN + rb"(?:" + _ESCAPE + _PLAIN + rb')*)"'
_PART = rb'"[a-z0-9_]+":"' + _HASH + rb'"'
ENTRY = re.compile(
    rb'\{"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)","bytes":' + _NUMBER + rb',"idem":'
    + _STRING + rb',"key":' + _STRING + rb',"kind":' + _STRING + rb',"log":"(' + _HASH + rb')","parts":\{('
    + rb"(?:" + _PART + rb"(?:," + _PART + rb')*)?)\},"prev":"(' + _HASH + rb')","seq":' + _NUMBER + rb',"v":1\}'
)  # fmt: skip
COMMITMENTS = re.compile(rb'"([a-z0-9_]+)":"(' + _HASH + rb')"')
PART_LINE = re.compile(
    rb'\{"seq":' + _NUMBER + rb',"name":"([a-z0-9_]+)","salt":(?:"(' + _HASH + rb')","data":|null,"data":null\}\Z)'
)
PART_TAG = b"lumen/proof/v1/part\n"


class Entry(NamedTuple):
    """The fields of an entry as the bytes between their quotes; numbers are numbers."""

    at: bytes
    size: int
    idem: bytes
    key: bytes
    kind: bytes
    log: bytes
    parts: list[tuple[bytes, bytes]]
    prev: bytes
    seq: int


def read_entry(line: bytes) -> Entry | None:
    """Return the entry that these bytes are the one canonical form of, or None."""
    match = ENTRY.fullmatch(line)
    if match is None or len(line) > ENTRY_LIMIT:
        return None
    at, size, idem, key, kind, log, parts, prev, seq = match.groups()
    if not line.isascii():
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return None
    pairs = COMMITMENTS.findall(parts)
    for before, after in zip(pairs, pairs[1:]):
        if before[0] >= after[0]:
            return None
    entry = Entry(at, int(size), idem, key, kind, log, pairs, prev, int(seq))
    return entry if entry.size <= LIMIT and entry.seq <= LIMIT else None


def commitment(salt: bytes, name: bytes, data: bytes) -> bytes:
    """Return the commitment in hex; ``salt`` is hex too."""
    return binascii.hexlify(hmac.digest(binascii.unhexlify(salt), PART_TAG + name + b"\n" + data, "sha256"))


def canonical(value: Any) -> str:
    """Return the RFC 8785 form of JSON data; raises ``ValueError`` for what has none."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return "{" + ",".join(canonical(key) + ":" + canonical(item) for key, item in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str):
        value.encode("utf-8")  # raises for lone surrogates
    return json.dumps(value, ensure_ascii=False)


def number_text(value: float) -> str:
    """Return a float as ECMAScript writes it: what RFC 8785 demands."""
    if not math.isfinite(value):
        raise ValueError("not a number")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = int(exponent or 0) + len(whole) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def parse(text: bytes) -> Any:
    """Return JSON data; raises ``ValueError`` for what is no JSON, for a key that stands twice, and for too much nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    def number(digits: str) -> Any:
        return int(digits) if len(digits) < 17 and abs(int(digits)) <= LIMIT else float(digits)

    def refuse(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=unique, parse_int=number, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def is_canonical(text: bytes) -> bool:
    try:
        return canonical(parse(text)).encode("utf-8") == text
    except (ValueError, RecursionError):
        return False


# --- The tree (RFC 6962, RFC 9162) ----------------------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def joined(stack: list[bytes]) -> bytes:
    """Return the root over the roots of full subtrees, largest first."""
    if not stack:
        return hashlib.sha256(b"").digest()
    root = stack[-1]
    for left in reversed(stack[:-1]):
        root = node(left, root)
    return root


def included(leaf: bytes, seq: int, size: int, proof: list[bytes], root: bytes) -> bool:
    first, last = seq, size - 1
    if not 0 <= seq < size or any(len(one) != 32 for one in proof):
        return False
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            leaf = node(sibling, leaf)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            leaf = node(leaf, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and leaf == root


# --- Files ----------------------------------------------------------------------------------------------------------------


class Content:
    """A file that is read once from its beginning to its end, in bounded memory; knows its length and digest then."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.bytes = 0
        self.digest = hashlib.sha256()
        self.rest = b""  # what follows the last line break
        self.file = (folder / name).open("rb", buffering=0)

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def chunks(self) -> Iterator[bytes]:
        while True:
            chunk = self.file.read(CHUNK)
            if not chunk:
                return
            self.digest.update(chunk)
            self.bytes += len(chunk)
            yield chunk

    def lines(self, limit: int) -> Iterator[bytes]:
        """Yield the lines that end in a line break, without it. One that is too long counts as having no end."""
        for chunk in self.chunks():
            pieces = (self.rest + chunk).split(b"\n")
            self.rest = pieces.pop()
            yield from pieces
            if len(self.rest) > limit:
                return

    def hashes(self) -> Iterator[bytes]:
        for chunk in self.chunks():
            whole = self.rest + chunk
            end = len(whole) - len(whole) % 32
            self.rest = whole[end:]
            for start in range(0, end, 32):
                yield whole[start : start + 32]

    def finish(self) -> None:
        for _ in self.chunks():
            pass

    def facts(self) -> dict[str, Any]:
        return {"bytes": self.bytes, "sha256": self.digest.hexdigest()}


def read_small(path: Path, limit: int) -> bytes:
    """Return the content, or its first ``limit`` bytes and one more."""
    with path.open("rb") as file:
        return file.read(limit + 1)


class Progress:
    """Says on stderr now and then how far a long work is."""

    def __init__(self) -> None:
        self.next = time.monotonic() + SAY_EVERY

    def say(self, count: int) -> None:
        if time.monotonic() >= self.next:
            sys.stderr.write(f"{count} entries verified so far\n")
            sys.stderr.flush()
            self.next = time.monotonic() + SAY_EVERY


# --- An export ------------------------------------------------------------------------------------------------------------

ENTRIES, LEAVES, PARTS, MANIFEST = "entries.jsonl", "leaves.bin", "parts.jsonl", "manifest.json"
CHECKPOINTS, ANCHORS = "checkpoints", "anchors"
ROTATED, ERASED = b"key.rotated", b"part.erased"


class Rotation(NamedTuple):
    """``key.rotated`` at ``seq``."""

    seq: int
    old: Key
    new: Key


class Export:
    """A directory as ``lumen proof export`` writes it. Every check adds what it finds to ``findings``."""

    def __init__(self, folder: Path, keys: list[Key], kept: list[Checkpoint], strict: bool) -> None:
        self.folder, self.pinned, self.kept, self.strict = folder, keys, kept, strict
        self.findings: list[Tampered] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.checkpoints: list[Checkpoint] = []
        self.anchored: list[Checkpoint] = []
        self.roots: dict[int, bytes] = {}
        self.stack: list[bytes] = []
        self.valid: list[Checkpoint] = []
        self.trusted: list[Key] = []
        self.count = self.part_count = self.signed = self.small = 0
        self.log = self.head = self.last_at = b""
        self.erased: dict[bytes, int] = {}
        self.recorded: dict[bytes, int] = {}
        self.rotations: list[Rotation] = []
        self.key = b"none"  # in force
        self.idems = [array("q") for _ in range(BUCKETS)]

    def verify(self) -> None:
        """Do everything; raises the finding with the lowest number, those without one last."""
        self.list_files()
        self.check(self.read_notes)
        self.check(self.walk)
        self.check(self.repeated_idem)
        self.check(self.signatures)
        self.check(self.compare_roots)
        if all(one.seq is None for one in self.findings):
            self.check(self.erasures)
            self.check(self.manifest)
            self.check(self.compare_kept)
        if self.findings:
            raise min(self.findings, key=lambda one: LIMIT if one.seq is None else one.seq)

    def check(self, step: Any) -> None:
        try:
            step()
        except Tampered as finding:
            self.findings.append(finding)

    def list_files(self) -> None:
        """Take in the names; anything but the files of the format is a finding."""
        for path in sorted(self.folder.iterdir()):
            if path.name in {CHECKPOINTS, ANCHORS} and path.is_dir() and not path.is_symlink():
                inners = sorted(islice(path.iterdir(), SMALL_LIMIT // LEAST + 1))
                if len(inners) > SMALL_LIMIT // LEAST:
                    raise Unreadable(TOO_MUCH.format(SMALL_LIMIT, LEAST))
                for inner in inners:
                    self.add_file(f"{path.name}/{inner.name}", inner)
            elif path.name in {ENTRIES, LEAVES, PARTS, MANIFEST}:
                self.add_file(path.name, path)
            else:
                self.findings.append(Tampered(None, "file", f"{path.name!a} is no part of an export"))
        for name in (ENTRIES, LEAVES, PARTS, MANIFEST):
            if name not in self.files:
                raise Tampered(None, "file", f"{name} is not there")

    def add_file(self, name: str, path: Path) -> None:
        if any("\ud800" <= one <= "\udfff" for one in name):
            self.findings.append(Tampered(None, "file", f"{name!a} is not named in UTF-8"))
        elif path.is_file() and not path.is_symlink():
            self.files[name] = {}
        else:
            self.findings.append(Tampered(None, "file", f"{name!a} is not a plain file"))

    def read_notes(self) -> None:
        """Read the checkpoints and the small files beside them."""
        for name in self.files:
            folder, _, base = name.partition("/")
            if not base:
                continue
            limit = NOTE_LIMIT if folder == CHECKPOINTS or base.endswith(".note") else ANCHOR_LIMIT
            raw = read_small(self.folder / name, limit)
            if len(raw) > limit and limit != NOTE_LIMIT:
                self.findings.append(Tampered(None, "file", f"{name!a} has more than {limit} bytes"))
            self.small += max(len(raw), LEAST)
            if self.small > SMALL_LIMIT:
                raise Unreadable(TOO_MUCH.format(SMALL_LIMIT, LEAST))
            self.files[name] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
            if folder == ANCHORS and not base.endswith(".note"):
                continue
            try:
                note = read_checkpoint(raw, name)
            except MalformedError as problem:
                self.findings.append(Tampered(None, "checkpoint", f"{name!a}: {problem}"))
                continue
            if note.origin != self.pinned[0].name:
                why = f"its origin is {note.origin!a}, the key is of {self.pinned[0].name!a}"
                self.findings.append(Tampered(None, "checkpoint", f"{name!a}: {why}"))
            elif folder == ANCHORS:
                self.anchored.append(note)
            elif base != f"{note.size:020d}.note":
                self.findings.append(Tampered(None, "checkpoint", f"{name!a}: its size is {note.size}"))
            else:
                self.checkpoints.append(note)
        self.checkpoints.sort(key=lambda one: one.size)

    def walk(self) -> None:
        """Read entries, leaves and parts side by side."""
        with ExitStack() as opened:
            contents = [opened.enter_context(Content(self.folder, name)) for name in (ENTRIES, LEAVES, PARTS)]
            self.entries(*contents)
            for content in contents:
                content.finish()
                self.files[content.name] = content.facts()

    def entries(self, lines: Content, leaves: Content, part_lines: Content) -> None:
        hashes, parts = leaves.hashes(), part_lines.lines(PART_LIMIT)
        wanted = {one.size for one in (*self.checkpoints, *self.anchored, *self.kept)}
        progress, prev, seq = Progress(), b"", 0
        self.roots[0] = joined([])
        for line in lines.lines(ENTRY_LIMIT):
            leaf = hashlib.sha256(b"\x00" + line).digest()
            if leaf != next(hashes, b""):
                raise Tampered(seq, "leaf", "the entry does not have the hash in leaves.bin")
            entry = read_entry(line)
            if entry is None or (self.strict and not is_canonical(line)):
                raise Tampered(seq, "format", "the bytes are not the one form of an entry")
            if seq == 0:
                self.log = prev = entry.log
            self.judge(entry, seq, prev)
            self.take_parts(entry, parts)
            self.remember(entry)
            self.push(leaf, seq)
            prev, seq = binascii.hexlify(leaf), seq + 1
            self.count, self.head, self.last_at = seq, prev, entry.at
            if seq in wanted:
                self.roots[seq] = joined(self.stack)
            if not seq & 0xFFF:
                progress.say(seq)
        if lines.rest:
            raise Tampered(seq, "missing", "the line of the entry does not end")
        if next(hashes, None) is not None or next(parts, None) is not None or leaves.rest or part_lines.rest:
            raise Tampered(seq, "missing", "the entry is not there, but its hash or a part is")

    def judge(self, entry: Entry, seq: int, prev: bytes) -> None:
        if entry.seq != seq:
            raise Tampered(seq, "seq", f"the entry says that it is number {entry.seq}")
        if entry.log != self.log:
            raise Tampered(seq, "log", "the entry belongs to another log")
        if entry.prev != prev:
            raise Tampered(seq, "prev", "the entry does not follow the one before it")
        if self.key not in (b"none", entry.key):
            raise Tampered(seq, "key", "the entry names another key than the one in force")
        turns = entry.kind == ROTATED and entry.key != b"none"
        self.key = entry.idem[len(ROTATED) + 1 :] if turns else entry.key

    def take_parts(self, entry: Entry, lines: Iterator[bytes]) -> None:
        present, erased = 0, False
        for name, committed in entry.parts:
            line = next(lines, b"")
            match = PART_LINE.match(line)
            if match is None or int(match[1]) != entry.seq or match[2] != name:
                raise Tampered(entry.seq, "part", f"parts.jsonl does not have the part {name.decode()} next")
            self.part_count += 1
            if match[3] is None:
                self.erased[b"part.erased/%d/%b" % (entry.seq, name)] = entry.seq
                erased = True
                continue
            data = line[match.end() : -1]
            if line[-1:] != b"}" or commitment(match[3], name, data) != committed:
                raise Tampered(entry.seq, "part", f"the part {name.decode()} is not what the entry commits to")
            if self.strict and not is_canonical(data):
                raise Tampered(entry.seq, "part", f"the part {name.decode()} is not in its RFC 8785 form")
            if entry.kind == ROTATED and entry.key != b"none" and name == b"rotation":
                self.rotations.append(read_rotation(entry, data))
            present += len(data)
        if present > entry.size or (present < entry.size and not erased):
            raise Tampered(entry.seq, "bytes", "the parts do not have the length that the entry states")

    def remember(self, entry: Entry) -> None:
        number = hash(entry.idem)
        self.idems[number % BUCKETS].append(number)
        if entry.kind == ERASED:
            self.recorded[entry.idem] = entry.seq

    def push(self, leaf: bytes, seq: int) -> None:
        while seq & 1:
            leaf, seq = node(self.stack.pop(), leaf), seq >> 1
        self.stack.append(leaf)

    def repeated_idem(self) -> None:
        """Find the first second use of a key; only hashes are kept, so what looks equal is read again."""
        suspects: set[int] = set()
        for bucket in self.idems:
            if len(set(bucket)) != len(bucket):
                ordered = sorted(bucket)
                suspects.update(one for one, after in zip(ordered, ordered[1:]) if one == after)
        if not suspects:
            return
        seen = set()
        with Content(self.folder, ENTRIES) as content:
            for seq, line in zip(range(self.count), content.lines(ENTRY_LIMIT)):
                entry = read_entry(line)
                if entry is not None and hash(entry.idem) in suspects:
                    if entry.idem in seen:
                        raise Tampered(seq, "idem", "the idempotency key was used by an earlier entry")
                    seen.add(entry.idem)

    def known_keys(self) -> list[Key]:
        """Return the given keys and those that the log names, trusted or not."""
        keys = {key.text: key for rotation in self.rotations for key in (rotation.old, rotation.new)}
        return list({**keys, **{key.text: key for key in self.pinned}}.values())

    def signatures(self) -> None:
        """Every checkpoint is signed by a key of the log, the newest by one that the given keys lead to."""
        known, signed = self.known_keys(), []
        for one in self.telling():
            try:
                signed.append((one, {key.text for key in signers(one, known)}))
            except Tampered as finding:
                self.findings.append(finding)
        trusted = {key.text for key in self.pinned}
        while True:
            self.signed = max((one.size for one, by in signed if by & trusted), default=0)
            below = [rotation for rotation in self.rotations if rotation.seq < self.signed]
            more = {one.new.text for one in below if one.old.text in trusted} - trusted
            if not more:
                break
            trusted |= more
        former = trusted | {rotation.old.text for rotation in below}
        self.trusted = [key for key in known if key.text in former]
        self.valid = [one for one, by in signed if by & (former if one.size <= self.signed else trusted)]
        for one, _ in signed:
            if one not in self.valid:
                problem = "it is signed by no key that the given one leads to"
                self.findings.append(Tampered(None, "checkpoint", f"{one.place}: {problem}"))

    def telling(self) -> list[Checkpoint]:
        """Return the checkpoints whose signatures matter: not those, of many, that only repeat what a newer one says."""
        if self.strict or len(self.checkpoints) <= MANY:
            return self.checkpoints
        sizes = [one.size for one in self.checkpoints]
        near: set[int] = set(range(len(sizes) - MANY // 2, len(sizes)))
        for rotation in self.rotations:
            first = bisect_right(sizes, rotation.seq)
            near.update(range(first, first + 10))
        return [
            one for number, one in enumerate(self.checkpoints) if number in near or one.root != self.roots.get(one.size)
        ]

    def compare_roots(self) -> None:
        """The log has had the root of every valid checkpoint, and is not shorter than any."""
        good = 0
        for one in self.valid:
            if one.size > self.count and not self.findings:
                raise Tampered(self.count, "missing", f"{one.place} was signed when the log was longer")
            if one.size <= self.count and one.root != self.roots[one.size]:
                raise Tampered(good, "root", f"{one.place}: {span(good, one.size)} what was signed")
            good = one.size

    def erasures(self) -> None:
        for idem, seq in self.erased.items():
            if self.recorded.get(idem, -1) <= seq:
                raise Tampered(seq, "erased", "a part is gone, and no later entry says that it was erased")

    def manifest(self) -> None:
        """The manifest is the one that belongs to what was read."""
        expected = len(canonical(self.facts())) + 200  # the log id, if there is no entry that has it
        raw = read_small(self.folder / MANIFEST, expected)
        if len(raw) > expected:
            raise Tampered(None, "manifest", "manifest.json is longer than that of these files")
        try:
            stated = parse(raw)
            stated = stated if isinstance(stated, dict) else {}
        except ValueError:
            raise Tampered(None, "manifest", "manifest.json is not JSON") from None
        if self.count == 0 and re.fullmatch(r"[0-9a-f]{64}", str(stated.get("log"))):
            self.log = self.head = str(stated["log"]).encode()
        found = self.facts()
        if raw == canonical(found).encode() + b"\n":
            return
        wrong = [name for name in sorted({*found, *stated}) if found.get(name) != stated.get(name)]
        if "files" in wrong and isinstance(stated.get("files"), dict):
            names = sorted({*found["files"], *stated["files"]})
            wrong = [name for name in names if found["files"].get(name) != stated["files"].get(name)]
        raise Tampered(None, "manifest", f"manifest.json is not that of these files: {wrong[0] if wrong else 'form'!a}")

    def facts(self) -> dict[str, Any]:
        """Return the manifest of what was read."""
        return {
            "format": "lumen-proof-export",
            "version": 1,
            "origin": self.pinned[0].name,
            "log": self.log.decode(),
            "height": self.count,
            "head": self.head.decode(),
            "root": joined(self.stack).hex(),
            "counts": {
                "entries": self.count,
                "parts": self.part_count,
                "erased": len(self.erased),
                "checkpoints": sum(name.startswith(CHECKPOINTS + "/") for name in self.files),
                "anchors": sum(name.startswith(ANCHORS + "/") for name in self.files),
            },
            "files": {name: facts for name, facts in self.files.items() if name != MANIFEST},
        }

    def compare_kept(self) -> None:
        """The log begins with what was kept elsewhere."""
        good = 0
        for one in sorted((*self.anchored, *self.kept), key=lambda note: note.size):
            try:
                signed = signers(one, self.trusted)
            except Tampered as finding:
                if one in self.kept:  # what was given is at fault, not the log: no key holder ever said this
                    raise Unreadable(f"{finding.reason}: it is unreadable as a checkpoint") from None
                raise
            if not signed:
                if one in self.kept:
                    raise Unreadable(f"{one.place} is signed by no key that the given one leads to")
                raise Tampered(None, "checkpoint", f"{one.place}: it is signed by no key that the given one leads to")
            if one.size > self.count:
                raise Tampered(self.count, "missing", f"{one.place} was signed when the log was longer")
            if one.root != self.roots[one.size]:
                raise Tampered(good, "root", f"{one.place}: {span(good, one.size)} what was kept")
            good = one.size


def span(first: int, end: int) -> str:
    return f"entry {first} is not" if first + 1 >= end else f"one of the entries {first} to {end - 1} is not"


def read_rotation(entry: Entry, data: bytes) -> Rotation:
    try:
        content = parse(data)
        turn = Rotation(entry.seq, Key(content["old_vkey"]), Key(content["new_vkey"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Tampered(entry.seq, "key", "the rotation does not name two keys") from None
    if (turn.old.id.encode(), ROTATED + b"/" + turn.new.id.encode()) != (entry.key, entry.idem):
        raise Tampered(entry.seq, "key", "the rotation names other keys than its entry")
    return turn


# --- A bundle -------------------------------------------------------------------------------------------------------------

RULES, STARTED, DECIDED = b"rules.loaded", b"action.started", b"approval_quorum_decision"
BUNDLE_FIELDS = {"format", "version", "origin", "log", "alert_key", "checkpoint", "entries"}


class Known(NamedTuple):
    """An entry of a bundle, those of its parts that are objects, and the names of those that are gone."""

    entry: Entry
    contents: list[dict[str, Any]]
    erased: set[bytes]


class Bundle:
    """A file as ``lumen proof bundle`` writes it."""

    def __init__(self, raw: bytes, keys: list[Key]) -> None:
        self.raw, self.pinned = raw, keys
        self.told: list[str] = []
        self.seq = -1
        self.place: int | None = None  # of the entry that is being read, as soon as it has told its number
        self.last_at = b""
        self.about_alert = False
        self.known: dict[int, Known] = {}

    def verify(self) -> None:
        """Raise ``Tampered`` at the first thing that does not hold."""
        try:
            content = parse(self.raw)
            if canonical(content).encode() + b"\n" != self.raw:
                raise MalformedError("it is not in its RFC 8785 form")
            if not isinstance(content, dict) or content.keys() != BUNDLE_FIELDS:
                raise MalformedError("it does not have the fields of a bundle")
            if content["format"] != "lumen-proof-bundle" or content["version"] != 1:
                raise MalformedError("it is no bundle of version 1")
            if not isinstance(content["alert_key"], str) or not content["alert_key"]:
                raise MalformedError("it does not name its alert")
            self.content = content
            self.checkpoint = read_checkpoint(content["checkpoint"].encode(), "checkpoint")
            if not content["origin"] == self.checkpoint.origin == self.pinned[0].name:
                raise MalformedError(f"it is of {self.checkpoint.origin!a}, the key of {self.pinned[0].name!a}")
            if not signers(self.checkpoint, self.pinned):
                raise Tampered(None, "checkpoint", "the checkpoint is not signed by the given key")
            for item in content["entries"]:
                self.place = None
                self.entry(item)
            self.place = None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            raise Tampered(self.place, "format", f"the bundle cannot be read: {problem}") from None
        self.belongs_together()

    def belongs_together(self) -> None:
        """Raise ``Tampered`` unless the entries, each of which is in the log, are what the bundle says they are."""
        if not self.about_alert:
            raise Tampered(None, "alert", "no entry of the bundle is about its alert")
        for known in self.known.values():
            self.relations(known)

    def entry(self, item: dict[str, Any]) -> None:
        line = item["entry"].encode()
        entry = read_entry(line)
        if entry is None:
            raise MalformedError("the bytes of an entry are not the one form of an entry")
        seq = self.place = entry.seq
        if item.keys() != {"entry", "proof", "parts"}:
            raise MalformedError("an entry has other fields than entry, proof and parts")
        if entry.log.decode() != self.content["log"]:
            raise Tampered(seq, "log", "the entry belongs to another log")
        if seq <= self.seq:
            raise Tampered(seq, "seq", "the entries do not ascend")
        self.seq, self.last_at = seq, entry.at
        proof = [from_base64(text) for text in item["proof"]]
        leaf = hashlib.sha256(b"\x00" + line).digest()
        if not included(leaf, seq, self.checkpoint.size, proof, self.checkpoint.root):
            raise Tampered(seq, "proof", "the checkpoint does not cover this entry as it is here")
        if [part["name"].encode() for part in item["parts"]] != [name for name, _ in entry.parts]:
            raise Tampered(seq, "part", "the parts are not those that the entry names")
        self.known[seq] = Known(entry, [], set())
        for part, (name, committed) in zip(item["parts"], entry.parts):
            self.part(entry, part, name, committed)

    def part(self, entry: Entry, part: dict[str, Any], name: bytes, committed: bytes) -> None:
        if part.keys() != {"name", "salt", "data"}:
            raise MalformedError("a part has other fields than name, salt and data")
        if part["salt"] is None and part["data"] is None:
            self.known[entry.seq].erased.add(name)
            self.told.append(story(entry, {"erased": name.decode()}))
            return
        salt, data = part["salt"].encode(), part["data"].encode()
        if not re.fullmatch(rb"[0-9a-f]{64}", salt) or commitment(salt, name, data) != committed:
            raise Tampered(entry.seq, "part", f"the part {name.decode()} is not what the entry commits to")
        content = parse(data)
        if isinstance(content, dict):
            self.known[entry.seq].contents.append(content)
            key = self.content["alert_key"]
            self.about_alert |= content.get("alert_key") == key or content.get("workflow_id") == f"alert-{key}"
            self.told.append(story(entry, content))

    def relations(self, known: Known) -> None:
        """Raise ``Tampered`` unless the entry belongs to the alert and to the other entries as it says."""
        entry = known.entry
        if entry.kind == RULES:
            self.rules(known)
        elif entry.kind == ERASED:
            if not any(entry.idem == b"part.erased/%d/%b" % (one.entry.seq, name)
                       for one in self.known.values() for name in one.erased):  # fmt: skip
                raise Tampered(entry.seq, "alert", "it tells of the erasure of a part that is not missing here")
        else:
            self.same_alert(known)
        for content in known.contents if entry.kind == STARTED else []:
            self.decided(entry, content.get("decision_seq"))

    def same_alert(self, known: Known) -> None:
        """Every part that names an alert names this one; where none does, key or number lead here."""
        entry, key = known.entry, self.content["alert_key"]
        right = {"alert_key": key, "workflow_id": f"alert-{key}"}
        for content in known.contents:
            if any(name in content and content[name] != value for name, value in right.items()):
                raise Tampered(entry.seq, "alert", "the entry is about another alert than the bundle")
        ours = entry.idem.startswith(b"alert-" + key.encode() + b"/")
        if entry.idem.startswith(b"alert-") and not ours:
            raise Tampered(entry.seq, "alert", "the key of the entry is that of another alert")
        stated = any(name in content for content in known.contents for name in right)
        if not (ours or stated or (entry.kind == DECIDED and known.erased and self.leads_to(entry))):
            raise Tampered(entry.seq, "alert", "the entry does not say that it is about the alert of the bundle")

    def leads_to(self, decision: Entry) -> bool:
        """Tell whether an entry of this alert names a decision whose part is gone: by its number, or by the run's id."""
        start = b"alert-" + self.content["alert_key"].encode() + b"/"
        idems = [one.entry.idem for one in self.known.values() if one.entry.idem.startswith(start)]
        if decision.idem.partition(b".")[0] in {idem[len(start) :].partition(b"/")[0] for idem in idems}:
            return True
        contents = [content for one in self.known.values() for content in one.contents]
        outcomes = [content["decision"] for content in contents if isinstance(content.get("decision"), dict)]
        return decision.seq in [
            *(content.get("decision_seq") for content in contents),
            *(outcome.get("seq") for outcome in outcomes),
        ]

    def decided(self, claim: Entry, seq: Any) -> None:
        """The decision that a claim names is here, and before it. That it is about this alert is seen at its own turn."""
        if seq is None:
            return
        decision = self.known.get(seq) if type(seq) is int else None
        if decision is None or decision.entry.kind != DECIDED or seq >= claim.seq:
            raise Tampered(
                claim.seq, "decision", f"the claim names {seq!a}, which is no decision before it in this bundle"
            )

    def rules(self, known: Known) -> None:
        """The rules are those of their digest, and of an entry of this bundle."""
        entry = known.entry
        digest = entry.idem[len(RULES) + 1 :].decode()
        for content in known.contents:
            text = content.get("text")
            if content.get("rules_digest") != digest or entry.idem != RULES + b"/" + digest.encode():
                raise Tampered(entry.seq, "rules", "the digest of the rules is not the one in the key of the entry")
            if content.get("hidden") is True or not content.keys() & {"text", "hidden"}:
                continue  # entries of the first version have neither
            if not isinstance(text, str) or rules_digest(text) != digest:
                raise Tampered(entry.seq, "rules", "the text of the rules does not have their digest")
        others = [one for one in self.known.values() if one.entry.kind != RULES]
        if not any(content.get("rules_digest") == digest for one in others for content in one.contents):
            raise Tampered(entry.seq, "rules", "no entry of the bundle names these rules")


def rules_digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


TOLD = (
    "alert_key", "rule", "rules_digest", "plan_digest", "action", "name", "target", "action_digest", "decision", "status",
    "outcome", "reason", "actor", "channel", "erased",
)  # fmt: skip


def story(entry: Entry, content: dict[str, Any]) -> str:
    """Return what an entry says, in a few lines for people."""
    head = f"{entry.seq}  {entry.at.decode()}  {entry.kind.decode()}"
    lines = [f"{name}: {content[name]}" for name in TOLD if isinstance(content.get(name), str) and content[name]]
    voters = content.get("voters")
    for side in ("approve", "reject"):
        votes = voters.get(side) if isinstance(voters, dict) else None
        for vote in votes if isinstance(votes, list) else []:
            if isinstance(vote, dict):
                words = [str(vote.get(name)) for name in ("actor", "channel", "rank", "at", "reason")]
                lines.append(f"{side}: {' | '.join(words)}")
    text = content.get("text")
    if entry.kind == RULES and isinstance(text, str) and content.get("hidden") is False:
        same = rules_digest(text) == content.get("rules_digest")
        lines.append(f"text: {len(text)} characters of rules and policy, {'with' if same else 'NOT WITH'} this digest")
    detail = content.get("detail")
    for name, value in sorted(detail.items()) if isinstance(detail, dict) else []:
        if isinstance(value, dict) and isinstance(value.get("sha256"), str):
            lines.append(f"{name}: {value.get('bytes')} bytes, SHA-256 {value['sha256']}")
        elif isinstance(value, (int, str)):
            lines.append(f"{name}: {value}")
    return "\n".join([head, *("    " + one_line(line) for line in lines)])


# --- The command ----------------------------------------------------------------------------------------------------------

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}[smhd]", text, re.ASCII):
        raise argparse.ArgumentTypeError("an age is like 90s, 15m, 12h or 7d")
    return int(text[:-1]) * UNITS[text[-1]]


def vkey(text: str) -> Key:
    try:
        return Key(text)
    except MalformedError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def witness_vkey(text: str) -> Key:
    try:
        return Key(text, WITNESS_KEY)
    except MalformedError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Verify an export or a bundle of a Lumen ledger, offline.")
    parser.add_argument(
        "path", type=Path, metavar="EXPORT|BUNDLE.json", help="directory of an export, or file of a bundle"
    )
    parser.add_argument("--vkey", type=vkey, action="append", required=True, help="a key you trust; repeatable")
    parser.add_argument(
        "--against", type=Path, metavar="NOTE", action="append", default=[], help="a checkpoint you kept; repeatable"
    )
    parser.add_argument(
        "--max-age", type=seconds, metavar="AGE", help="how old the newest sign of life may be, like 7d"
    )
    parser.add_argument("--witness", type=witness_vkey, action="append", default=[], help="who must have cosigned")
    parser.add_argument("--strict", action="store_true", help="also write every entry and part again and compare")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def kept_note(path: Path, origin: str) -> Checkpoint:
    try:
        note = read_checkpoint(read_small(path, NOTE_LIMIT), str(path))
    except MalformedError as problem:
        raise Unreadable(f"{path} is not a checkpoint: {problem}") from None
    if note.origin != origin:
        raise Unreadable(f"{path} is a checkpoint of {note.origin!a}, the key is of {origin!a}")
    return note


def check_age(newest: Checkpoint, last_at: bytes, witnesses: list[Key], max_age: int | None) -> None:
    """Raise ``Unproven`` if a witness is missing or the newest sign of life is too old."""
    times = []
    for witness in witnesses:
        when = cosigned_at(newest, witness)
        if when is None:
            raise Unproven(f"the newest checkpoint is not cosigned by {witness.id}")
        times.append(when)
    if max_age is None:
        return
    if not witnesses:
        try:
            moment = datetime.strptime(last_at.decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        except ValueError:
            raise Unproven("there is no entry whose time could be looked at") from None
        times.append(int(moment.timestamp()))
    age = int(time.time() - max(times))
    if age < -AHEAD:
        raise Unproven(f"the newest sign of life is {-age} seconds in the future: a clock is wrong, here or there")
    if age > max_age:
        raise Unproven(f"the newest sign of life is {age} seconds old")


def verify_export(chosen: argparse.Namespace) -> dict[str, Any]:
    if not any((chosen.path / name).exists() for name in (ENTRIES, MANIFEST)):
        raise Unreadable(f"{chosen.path} is not an export: it has neither {MANIFEST} nor {ENTRIES}")
    kept = [kept_note(path, chosen.vkey[0].name) for path in chosen.against]
    export = Export(chosen.path, chosen.vkey, kept, chosen.strict)
    export.verify()
    if not export.valid:
        raise Unproven("there is no checkpoint: nothing here is signed")
    if export.signed < export.count:
        raise Unproven(f"the entries from {export.signed} on are covered by no signed checkpoint")
    check_age(export.valid[-1], export.last_at, chosen.witness, chosen.max_age)
    facts = export.facts()
    del facts["files"]
    return {**facts, "signed": export.signed, "keys": [key.id for key in export.trusted]}


def verify_bundle(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.against:
        raise Unreadable("--against needs an export: a bundle does not show how the log began")
    raw = read_small(chosen.path, BUNDLE_LIMIT)
    if len(raw) > BUNDLE_LIMIT:
        raise Unreadable(f"{chosen.path} has more than {BUNDLE_LIMIT} bytes: that is no bundle")
    bundle = Bundle(raw, chosen.vkey)
    bundle.verify()
    check_age(bundle.checkpoint, bundle.last_at, chosen.witness, chosen.max_age)
    facts = {name: bundle.content[name] for name in ("format", "version", "origin", "log", "alert_key")}
    return {**facts, "entries": len(bundle.content["entries"]), "signed": bundle.checkpoint.size, "story": bundle.told}


def result(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return what was found, with ``exit``; nothing is raised for what this program is there to find."""
    bad: dict[str, Any] = {"ok": False, "first_bad_seq": None, "code": None}
    if len({key.name for key in chosen.vkey}) > 1:
        return {**bad, "exit": UNREADABLE, "reason": "the given keys are of different logs"}
    try:
        found = verify_export(chosen) if chosen.path.is_dir() else verify_bundle(chosen)
    except Tampered as finding:
        return {**bad, "exit": TAMPERED, "first_bad_seq": finding.seq, "code": finding.code, "reason": finding.reason}
    except Unproven as finding:
        return {**bad, "exit": UNPROVEN, "reason": str(finding)}
    except (Unreadable, OSError) as problem:
        return {**bad, "exit": UNREADABLE, "reason": str(problem)}
    return {"ok": True, "exit": HOLDS, **found}


def one_line(text: str) -> str:
    """Return ``text`` with its line breaks made visible: what an entry quotes must not look like what this program says."""
    return text.replace("\n", "\\n")


def printable(text: str) -> str:
    """Return ``text`` with all that could move a terminal made visible; line breaks stay."""
    return "".join(c if c == "\n" or (c.isprintable() and c.isascii()) else ascii(c)[1:-1] for c in text)


def sentence(found: dict[str, Any]) -> str:
    if found["exit"] == TAMPERED:
        place = "" if found["first_bad_seq"] is None else f"first bad seq {found['first_bad_seq']}: "
        return f"TAMPERED: {place}{found['code']}: {found['reason']}"
    if not found["ok"]:
        return f"{'UNPROVEN' if found['exit'] == UNPROVEN else 'UNREADABLE'}: {found['reason']}"
    if "story" in found:
        told = "\n".join(found["story"])
        return f"{told}\nHOLDS: {found['entries']} entries about {one_line(found['alert_key'])}, in {found['origin']}"
    counts = found["counts"]
    extent = f"{counts['entries']} entries, {counts['parts']} parts ({counts['erased']} erased)"
    return f"HOLDS: {extent} of {found['origin']}\nhead {found['head']}\nroot {found['root']}"


def main(arguments: list[str] | None = None) -> int:
    chosen = options().parse_args(arguments)
    found = result(chosen)
    text = json.dumps(found) if chosen.json else printable(sentence(found))
    (sys.stdout if found["exit"] != UNREADABLE or chosen.json else sys.stderr).write(text + "\n")
    return int(found["exit"])


if __name__ == "__main__":
    sys.exit(main())
