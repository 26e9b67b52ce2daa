"""What a target is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One parser under test.

    ``check`` takes any bytes and raises nothing if the parser keeps its promise. ``words`` are pieces that mean something in
    the language. ``share`` is how many inputs it gets for each one of a target with share 1.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    share: float = 1.0


def text_of(given: bytes) -> str:
    """Return ``given`` as text; what is no UTF-8 becomes half surrogate pairs, which no parser may fall over."""
    return given.decode("utf-8", "surrogateescape")


def one_line(said: str) -> None:
    """Require of an error's text that a person can read it: something, on one line, and not endless."""
    assert said
    assert "\n" not in said
    assert len(said) < 4000
