"""How a drill tells what it does: each step with what is expected and what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 120.0


@dataclass
class Telling:
    """Prints the steps of a drill and counts the expectations that did not hold. ``say`` gets each line."""

    say: Callable[[str], None]
    failed: list[str] = field(default_factory=list)
    held: int = 0
    _began: float = field(default_factory=time.monotonic)

    def part(self, title: str) -> None:
        """Begin a part of the drill."""
        self.say(f"\n== {title}")

    def step(self, text: str) -> None:
        """Say what is done now."""
        self.say(f"[{time.monotonic() - self._began:5.1f} s] {text}")

    def expect(self, what: str, *, holds: bool, seen: object) -> None:
        """Say what is expected and what was seen; a drill in which one expectation fails has failed."""
        self.say(f"    {'ok  ' if holds else 'FAIL'} expected: {what}")
        self.say(f"         seen: {seen}")
        if holds:
            self.held += 1
        else:
            self.failed.append(what)

    def until(self, what: str, look: Callable[[], Any], wanted: Callable[[Any], bool] = bool) -> None:
        """Look again until it is as ``wanted``, for at most a minute."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(seen := look()) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.expect(what, holds=wanted(seen), seen=seen)
