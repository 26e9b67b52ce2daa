"""Ports of tests that run at the same time."""

from __future__ import annotations

import itertools

from tests.stack.processes import slice_of_ports


def test_nobody_else_gets_the_same_ports() -> None:
    """As long as somebody has its ports, the next one gets others, and afterwards they can be had again."""
    one, other = slice_of_ports(), slice_of_ports()
    first, second = (set(itertools.islice(ports, 1000)) for ports in (one, other))
    assert len(first) == len(second) == 500
    assert not first & second
    one.close()  # type: ignore[attr-defined] # a generator
    third = slice_of_ports()
    assert set(itertools.islice(third, 500)) == first
