"""Inputs made from other inputs: bytes cut, repeated and joined, words put in, JSON changed as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from tests.fuzz.wire.mutants import changed_value


def mutated(kept: Sequence[bytes], words: Sequence[bytes], rng: Random) -> bytes:
    """Return one of ``kept`` with one to eight changes."""
    given = rng.choice(kept)
    if given[:1] in {b"{", b"["} and rng.random() < 0.5 and (changed := _as_json(given, rng)):
        return changed
    for _ in range(1 << rng.randrange(4)):
        given = _changed(given, kept, words, rng)
    return given


def _as_json(given: bytes, rng: Random) -> bytes:
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        return b""
    for _ in range(rng.choice((1, 1, 2, 3))):
        value = changed_value(value, rng)
    return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _changed(given: bytes, kept: Sequence[bytes], words: Sequence[bytes], rng: Random) -> bytes:
    at, end = sorted(rng.randrange(len(given) + 1) for _ in range(2))
    near = min(end, at + rng.choice((1, 1, 2, 8, 64)))
    way = rng.randrange(8)
    if way == 0:
        return given[:at] + given[near:]
    if way == 1:
        return given[:at]
    if way == 2:
        return given[:at] + rng.randbytes(rng.randrange(1, 5)) + given[near:]
    if way == 3:
        return given[:end] + given[at:end] * rng.choice((1, 1, 2, 50)) + given[end:]
    if way == 4:
        other = rng.choice(kept)
        return given[:at] + other[rng.randrange(len(other) + 1) :]
    if way == 5 and given:
        place = min(at, len(given) - 1)
        return given[:place] + bytes([given[place] ^ (1 << rng.randrange(8))]) + given[place + 1 :]
    word = rng.choice(words) if words else b"\x00"
    return given[:at] + word + given[at if way == 6 else near :]
