"""Checks of JSON that are put together from smaller ones; each fault is worded as Slack words it, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What is wrong and where, as a JSON pointer such as ``/blocks/0/text/text``."""

    pointer: str
    problem: str

    def __str__(self) -> str:
        """Return the fault as it stands in Slack's ``response_metadata.messages``."""
        return f"[ERROR] {self.problem} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterator[Fault]]
"""Yields the faults of a value at a pointer."""


def text(most: int, least: int = 1) -> Check:
    """Return a check for a string of ``least`` to ``most`` characters."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(at, "must provide a string")
        elif len(value) > most:
            yield Fault(at, f"must be less than {most + 1} characters")
        elif len(value) < least:
            yield Fault(at, f"must be more than {least - 1} characters")

    return check


def one_of(*allowed: str) -> Check:
    """Return a check for one of these strings."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if value not in allowed:
            yield Fault(at, f"must be one of: {', '.join(allowed)}")

    return check


def flag(value: Any, at: str) -> Iterator[Fault]:
    """Check that the value is true or false."""
    if not isinstance(value, bool):
        yield Fault(at, "must provide a boolean")


def number(value: Any, at: str) -> Iterator[Fault]:
    """Check that the value is a whole number of zero or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        yield Fault(at, "must provide a non-negative integer")


def anything(_value: Any, _at: str) -> Iterator[Fault]:
    """Find no fault with the value."""
    yield from ()


def array(item: Check, least: int, most: int) -> Check:
    """Return a check for a list of ``least`` to ``most`` items."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(at, "must provide an array")
            return
        if len(value) > most:
            yield Fault(at, f"no more than {most} items allowed")
        if len(value) < least:
            yield Fault(at, f"no less than {least} items allowed")
        for position, entry in enumerate(value):
            yield from item(entry, f"{at}/{position}")

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """Return a check for an object that has all ``required`` keys and no others but the ``optional`` ones."""
    known = {**required, **optional}

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(at, "must provide an object")
            return
        for name in required:
            if name not in value:
                yield Fault(at, f"missing required field: {name}")
        for name, entry in value.items():
            if name in known:
                yield from known[name](entry, f"{at}/{name}")
            else:
                yield Fault(at, f"invalid additional property: {name}")

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Return a check that leaves an object to the check of its ``type``."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(at, "must provide an object")
        elif "type" not in value:
            yield Fault(at, "missing required field: type")
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            yield Fault(f"{at}/type", f"unsupported type: {value['type']}")
        else:
            yield from kinds[value["type"]](value, at)

    return check


def both(*checks: Check) -> Check:
    """Return a check that makes all of these."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        for single in checks:
            yield from single(value, at)

    return check
