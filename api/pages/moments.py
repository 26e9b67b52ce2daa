"""Times on pages: absolute in UTC, and how far they are from now. Coarse on purpose: a page that only ages stays the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lumen.records import moment, rfc3339
from lumen.wording import Wording

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEP = 10
"""Under a minute, time passes in steps of this many seconds."""


@dataclass(frozen=True)
class When:
    """One moment: ``iso`` for programs, ``absolute`` and ``relative`` for people."""

    iso: str
    absolute: str
    relative: str


class Clock:
    """Tells times to people who read at ``now``."""

    def __init__(self, wording: Wording, now: datetime) -> None:
        """Speak in the language of ``wording``."""
        self._t = wording
        self.now = now

    def when(self, text: object) -> When | None:
        """Return the RFC 3339 time ``text`` with how long ago it was, or how long until it comes; None for what is no time."""
        named = moment(str(text or ""))
        if named is None:
            return None
        seconds = (self.now - named).total_seconds()
        if abs(seconds) < _STEP:
            return _when(named, self._t("page.time.now"))
        frame = "page.time.ago" if seconds > 0 else "page.time.in"
        return _when(named, self._t(frame, span=self.span(abs(seconds))))

    def left(self, text: object) -> When | None:
        """Return the RFC 3339 time ``text`` with how long is left until then; None for what is no time."""
        named = moment(str(text or ""))
        if named is None:
            return None
        seconds = (named - self.now).total_seconds()
        relative = self._t("page.time.left", span=self.span(seconds)) if seconds > 0 else self._t("page.time.over")
        return _when(named, relative)

    def span(self, seconds: float) -> str:
        """Return a length of time in at most two units, rounded down."""
        whole = max(0, int(seconds))
        if whole < _MINUTE:
            return self._t("page.time.s", n=max(_STEP, whole - whole % _STEP))
        if whole < _HOUR:
            return self._t("page.time.m", n=whole // _MINUTE)
        if whole < _DAY:
            return self._two("page.time.h", whole // _HOUR, "page.time.m", whole % _HOUR // _MINUTE)
        return self._two("page.time.d", whole // _DAY, "page.time.h", whole % _DAY // _HOUR)

    def exact(self, seconds: float) -> str:
        """Return a length of time that is over: tenths of a second where it is short."""
        return self._t("page.time.s", n=f"{seconds:.1f}") if seconds < _MINUTE else self.span(seconds)

    def _two(self, big: str, count: int, small: str, rest: int) -> str:
        return self._t(big, n=count) + (f" {self._t(small, n=rest)}" if rest else "")


def _when(named: datetime, relative: str) -> When:
    in_utc = named.astimezone(UTC)
    return When(rfc3339(in_utc), f"{in_utc:%Y-%m-%d %H:%M:%S} UTC", relative)
