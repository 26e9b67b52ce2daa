"""Times as a person reads them: how long ago, how long still."""

from __future__ import annotations

from datetime import datetime

from lumen.records import moment

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def span(seconds: float) -> str:
    """Return a length of time in at most two units, rounded down: ``45s``, ``3m``, ``2h 5m``, ``3d 4h``."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    big, unit, rest, small = (
        (whole // _HOUR, "h", whole % _HOUR // _MINUTE, "m")
        if whole < _DAY
        else (whole // _DAY, "d", whole % _DAY // _HOUR, "h")
    )
    return f"{big}{unit} {rest}{small}" if rest else f"{big}{unit}"


def ago(text: object, now: datetime) -> str:
    """Return how far the RFC 3339 time ``text`` is from ``now``: ``3m ago`` or ``in 41m``; what is no time stays as it is."""
    named = moment(str(text or ""))
    if named is None:
        return str(text or "")
    seconds = (now - named).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def left(text: object, now: datetime) -> str:
    """Return how long it is until the RFC 3339 time ``text``: ``41m left``, or ``over``."""
    named = moment(str(text or ""))
    if named is None:
        return str(text or "")
    seconds = (named - now).total_seconds()
    return f"{span(seconds)} left" if seconds > 0 else "over"
