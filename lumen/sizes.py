"""Sizes in bytes as people write them: ``512MB`` is 512 million bytes, ``512MiB`` is 512 times 1024 times 1024."""

from __future__ import annotations

import re

_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "PiB": 2**50,
}
_WRITTEN = ("PB", "TB", "GB", "MB", "kB", "PiB", "TiB", "GiB", "MiB", "KiB", "B")
_SIZE = re.compile(r"([0-9]{1,15})(" + "|".join(_UNITS) + ")?")


def parse_size(written: str) -> int | None:
    """Return the bytes that ``written`` means, or None. ``size = number [unit]``; without a unit it is bytes."""
    found = _SIZE.fullmatch(written)
    return int(found[1]) * _UNITS[found[2] or "B"] if found else None


def written_size(size: int) -> str:
    """Return ``size`` as :func:`parse_size` reads it, in the largest unit that divides it."""
    unit = next(unit for unit in _WRITTEN if size >= _UNITS[unit] and size % _UNITS[unit] == 0) if size else "B"
    return f"{size // _UNITS[unit]}{unit}"
