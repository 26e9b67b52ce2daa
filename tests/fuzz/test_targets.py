"""The parsers keep their promises: on every input that once broke one, and on some new ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from random import Random

import pytest

from tests.fuzz.targets.drive import CORPUS, drive, shared
from tests.fuzz.targets.every import TARGETS
from tests.fuzz.targets.mutating import mutated
from tests.fuzz.targets.promise import Target

_INPUTS = 10_000
_SHARES = dict(zip((target.name for target in TARGETS), shared(TARGETS, _INPUTS), strict=True))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_keeps_its_promise(target: Target) -> None:
    """The corpus, and what a seed makes of it: no error but the declared one, no hang, no memory without end."""
    kept = len(target.seeds) + len(list((CORPUS / target.name).glob("*")))
    inputs = kept + _SHARES[target.name]
    outcome = drive(target, inputs, seed=1)
    assert outcome.findings == []
    assert outcome.inputs == inputs


def _falls(given: bytes) -> None:
    if b"x" in given:
        raise KeyError(given)


def _hangs(given: bytes) -> None:
    while given == b"hang":
        pass


def _grows(given: bytes) -> None:
    bytearray(2**33)


@pytest.mark.parametrize(
    ("check", "seed", "why"),
    [(_falls, b"x", "KeyError"), (_hangs, b"hang", "TooSlowError"), (_grows, b"a", "MemoryError")],
)
def test_a_broken_promise_is_found(
    check: Callable[[bytes], None], seed: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another error, an endless loop and too much memory are findings, with the input that led there."""
    monkeypatch.setattr("tests.fuzz.targets.drive.CPU_SECONDS", 0.3)
    outcome = drive(Target("broken", check, (seed,)), 1, seed=1)
    [(found, given)] = outcome.findings
    assert found.startswith(why)
    assert given == seed


def test_a_crash_of_the_process_is_found() -> None:
    """What ends the whole process, such as C code, tells the input it died of."""
    crash = Target("crash", lambda _given: os.kill(os.getpid(), signal.SIGKILL), (b"deadly",))
    [(found, given)] = drive(crash, 1, seed=1).findings
    assert "ended" in found
    assert given == b"deadly"


def test_the_same_seed_makes_the_same_inputs() -> None:
    """A run can be repeated."""
    one, two = ([mutated((b'{"a":1}', b"abc"), (b"w",), rng) for _ in range(20)] for rng in (Random(1), Random(1)))  # noqa: S311 - a seed
    assert one == two


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    """Every folder is of a target, and all of it fits into 200 KB."""
    assert {path.name for path in CORPUS.iterdir()} <= {target.name for target in TARGETS}
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) <= 200_000
