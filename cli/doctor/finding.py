"""What a check says: how it stands, what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.doctor.scene import Scene


class Status(StrEnum):
    """How one thing stands. ``skip`` means that it was not looked at, and the finding says why."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``found`` is one line; ``fix`` is a command or a variable, for ``warn`` and ``fail``."""

    status: Status
    found: str
    fix: str = ""


Look = Callable[["Scene"], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True)
class Check:
    """A named check. ``look`` returns at least one finding, has no effect on anything, and may be cancelled."""

    name: str
    look: Look


def ok(found: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Status.OK, found)


def warn(found: str, fix: str) -> Finding:
    """Return that something will cause trouble, or may."""
    return Finding(Status.WARN, found, fix)


def fail(found: str, fix: str) -> Finding:
    """Return that something does not work."""
    return Finding(Status.FAIL, found, fix)


def skip(why: str) -> Finding:
    """Return that something was not looked at."""
    return Finding(Status.SKIP, why)
