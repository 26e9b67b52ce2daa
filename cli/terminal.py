"""The terminal that a command prints to, if it is one: its size, and a screen that is drawn again and again."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Self, TextIO

from cli.layout import cut, rows_taken
from cli.settings import environment

_USUAL = os.terminal_size((80, 24))
_LEAST = 20
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H", "\x1b[?25h\x1b[?1049l"
_CLEAR = "\x1b[H\x1b[J"
_ENDS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Terminal:
    """A terminal of so many columns and rows. ``draws``: it can be drawn on, not only printed to."""

    columns: int
    rows: int
    draws: bool = True


def terminal(stream: TextIO | None = None) -> Terminal | None:
    """Return the terminal that ``stream`` (standard output, if none is given) is, None for a pipe or a file.

    ``COLUMNS`` and ``LINES`` go before its own size.
    """
    shown = stream or sys.stdout
    if not shown.isatty():
        return None
    try:
        size = os.get_terminal_size(shown.fileno())
    except (OSError, ValueError):
        size = _USUAL
    environ = environment()
    columns = _number(environ, "COLUMNS") or size.columns or _USUAL.columns
    rows = _number(environ, "LINES") or size.lines or _USUAL.lines
    return Terminal(max(columns, _LEAST), rows, environ.get("TERM", "dumb") != "dumb")


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else 0


def print_lines(lines: Sequence[str]) -> None:
    """Print lines that a layout has made, which are harmless already."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


class Screen:
    """The terminal's other screen while a command watches; what was on the terminal before is back afterwards.

    It is back after SIGTERM and SIGHUP too, which end the command with 128 and their number.
    """

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._entered = False
        self._heard: list[signal.Signals] = []

    def __enter__(self) -> Self:
        """Wait for the first thing to draw: what fails before it should be read where it was typed."""
        # Who started this command may have had a signal ignored, as nohup does.
        self._heard = [number for number in _ENDS if signal.getsignal(number) is signal.SIG_DFL]
        for number in self._heard:
            signal.signal(number, _end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Turn back."""
        if self._entered:
            with suppress(OSError):  # after SIGHUP there may be no terminal any more
                sys.stdout.write(_LEAVE)
                sys.stdout.flush()
        for number in self._heard:
            signal.signal(number, signal.SIG_DFL)

    def draw(self, lines: Sequence[str], size: Terminal) -> None:
        """Draw ``lines`` from the top; what does not fit is left out, and how much that is stands last."""
        shown = frame(lines, size)
        if not self._entered:
            self._entered = True
            sys.stdout.write(_ENTER)
        sys.stdout.write(_CLEAR + "".join(f"{line}\n" for line in shown))
        sys.stdout.flush()


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def frame(lines: Sequence[str], size: Terminal) -> list[str]:
    """Return as many of ``lines`` as fit, with one row to spare for the cursor."""
    room = max(size.rows - 1, 1)
    if sum(rows_taken(line, size.columns) for line in lines) <= room:
        return list(lines)
    shown: list[str] = []
    room -= 1
    for line in lines:
        room -= rows_taken(line, size.columns)
        if room < 0:
            break
        shown.append(line)
    return [*shown, cut(f"… {len(lines) - len(shown)} more lines: make the terminal higher", size.columns)]
