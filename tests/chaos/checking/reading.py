"""Reads values out of JSON that may be damaged: a wrong type reads as nothing, never as a crash."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from tests.chaos.checking.report import Report


def table(value: Any, *names: str) -> dict[str, Any]:
    """Return the object at the path ``names`` inside ``value``, or an empty one."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: Any, *names: str) -> list[Any]:
    """Return the list at the path ``names`` inside ``value``, or an empty one."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def text(value: Any, *names: str) -> str:
    """Return the text at the path ``names`` inside ``value``, or an empty one."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def number(value: Any, *names: str) -> float | None:
    """Return the number at the path ``names`` inside ``value``, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e18 else None


def whole(value: Any, *names: str) -> int | None:
    """Return the whole number at the path ``names`` inside ``value``, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def instant(value: Any) -> float | None:
    """Return an RFC 3339 time as seconds since 1970, or None."""
    if not isinstance(value, str):
        return None
    try:
        read = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    if read.tzinfo is None:
        return None
    try:
        return read.timestamp()
    except (OverflowError, ValueError):
        return None


def parsed(content: bytes | str) -> Any:
    """Return a JSON document; raises ValueError for anything else, however deep it is nested."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_json(file: Path, report: Report) -> Any:
    """Return the JSON document of a file; a missing or unreadable one is a finding of the class ``evidence`` and None."""
    try:
        return parsed(file.read_bytes())
    except (OSError, ValueError) as error:
        report.add("evidence", "", f"{file.name} cannot be read: {error}")
        return None


def read_lines(file: Path, report: Report) -> list[dict[str, Any]]:
    """Return the objects of a file with one JSON object a line; whatever is no such line is a finding."""
    try:
        content = file.read_bytes()
    except OSError as error:
        report.add("evidence", "", f"{file.name} cannot be read: {error}")
        return []
    found: list[dict[str, Any]] = []
    for place, line in enumerate(content.splitlines(), 1):
        try:
            value = parsed(line)
        except ValueError as error:
            report.add("evidence", "", f"{file.name} line {place} is no JSON: {error}")
            continue
        if isinstance(value, dict):
            found.append(value)
        else:
            report.add("evidence", "", f"{file.name} line {place} is no object")
    return found
