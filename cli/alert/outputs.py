"""What actions printed, as few lines that keep the beginning and the end. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lumen.standing import part

_FIRST = 3
_LAST = 5


def result_line(result: dict[str, Any]) -> str:
    """Return how an action ended: ``grow failed: exit code 1, 0.2 s``."""
    detail = part(result, "detail")
    said = [str(result.get("reason") or "")]
    said += [f"{name} {detail[field]}" for name, field in _NUMBERS if detail.get(field) is not None]
    seconds = result.get("duration_sec")
    said += [f"{seconds:.1f} s"] if isinstance(seconds, int | float) and seconds else []
    told = ", ".join(dict.fromkeys(text for text in said if text))
    return f"{result.get('name')} {result.get('status')}" + (f": {told}" if told else "")


_NUMBERS = (("exit code", "exit_code"), ("signal", "signal"), ("HTTP", "status_code"))


def output_lines(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield ``(stream, line)`` for what an action printed: the first and the last lines, and how much is between them."""
    detail = part(result, "detail")
    for stream in ("stdout", "stderr"):
        captured = part(detail, stream)
        yield from ((stream, line) for line in _lines(captured))


def _lines(captured: dict[str, Any]) -> list[str]:
    head, tail = str(captured.get("head") or ""), str(captured.get("tail") or "")
    if captured.get("truncated"):
        between = f"… {captured.get('bytes')} bytes in all …"
        return [*head.splitlines()[:_FIRST], between, *tail.splitlines()[-_LAST:]]
    lines = (head + tail).splitlines()
    if len(lines) <= _FIRST + _LAST + 1:
        return lines
    return [*lines[:_FIRST], f"… {len(lines) - _FIRST - _LAST} lines …", *lines[-_LAST:]]
