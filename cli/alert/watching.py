"""Looking again and again until it is over: how often, what to do when nobody answers, and where it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cli.failure import UnansweredError
from cli.layout import fold
from cli.output import print_json, say
from cli.terminal import Screen, Terminal, print_lines, terminal
from lumen.records import rfc3339
from lumen.standing import Document

_LEAST, _MOST, _SLOWER = 1.0, 5.0, 1.4


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


def _again(who: str) -> str:
    return f"{who} does not answer, trying again"


class View(Protocol):
    """Where a watched document is shown."""

    def show(self, document: Document) -> bool:
        """Show the newest document; return whether it tells anything new."""
        ...

    def lost(self, who: str) -> None:
        """Say that ``who`` does not answer, and that it is tried again."""
        ...


@dataclass
class Pace:
    """Seconds between two looks: about one, growing to five while nothing changes."""

    wait: Callable[[float], None] = time.sleep
    seconds: float = _LEAST

    def rest(self, *, changed: bool) -> None:
        """Wait until the next look."""
        self.seconds = _LEAST if changed else min(self.seconds * _SLOWER, _MOST)
        self.wait(self.seconds)


def follow(ask: Callable[[], Document], view: View, is_over: Callable[[Document], bool], pace: Pace) -> None:
    """Show what ``ask`` returns until it is over. The first look must succeed; later ones may fail for as long as they do.

    Raises:
        CommandError: the first look failed, or a later one was refused and not only unanswered.

    """
    answered = False
    while True:
        changed = False
        try:
            document = ask()
        except UnansweredError as error:
            if not answered:
                raise
            view.lost(error.who)
        else:
            answered = True
            changed = view.show(document)
            if is_over(document):
                return
        pace.rest(changed=changed)


class Appended:
    """Lines for a pipe or a file: only what has changed, each with its time."""

    def __init__(
        self, compare: Callable[[Document | None, Document], list[str]], now: Callable[[], datetime] = utc_now
    ) -> None:
        """``compare`` tells what is new between two documents."""
        self._compare = compare
        self._now = now
        self._before: Document | None = None
        self._lost = ""

    def show(self, document: Document) -> bool:
        """Print one line a change."""
        told = self._compare(self._before, document)
        if self._lost:
            told = [f"{self._lost} answers again", *told]
        self._before, self._lost = document, ""
        self._print(told)
        return bool(told)

    def lost(self, who: str) -> None:
        """Say it once for each time that somebody is lost."""
        if self._lost != who:
            self._print([_again(who)])
        self._lost = who

    def _print(self, lines: Sequence[str]) -> None:
        now = rfc3339(self._now())  # one time for all that was seen in one look
        for line in lines:
            say(f"{now} {line}")


class JsonLines:
    """One JSON document a change, each on one line."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._before: Document | None = None

    def show(self, document: Document) -> bool:
        """Print the document if it is another one."""
        if document == self._before:
            return False
        self._before = document
        print_json(document)
        return True

    def lost(self, who: str) -> None:
        """Say nothing: the output is for programs."""


class Drawn:
    """The whole of it, drawn anew on the terminal's other screen."""

    def __init__(self, screen: Screen, lines: Callable[[Document, datetime, int], Sequence[str]]) -> None:
        """``lines`` lays a document out at a moment, in a width."""
        self._screen = screen
        self._lines = lines
        self._before: Document | None = None

    def show(self, document: Document) -> bool:
        """Draw it; ages move on even if nothing else does."""
        changed = document != self._before
        self._before = document
        self._draw("Ctrl-C ends the watch")
        return changed

    def lost(self, who: str) -> None:
        """Say so above what was known last."""
        self._draw(_again(who))

    def _draw(self, head: str) -> None:
        size = terminal() or Terminal(80, 24)
        now = utc_now()
        shown = list(self._lines(self._before, now, size.columns)) if self._before is not None else []
        self._screen.draw([*fold(f"{now.astimezone():%H:%M:%S} {head}", size.columns), "", *shown], size)

    def print_last(self) -> None:
        """Print what was seen last on the terminal itself, so that it stays."""
        size = terminal()
        if self._before is not None and size is not None:
            print_lines(self._lines(self._before, utc_now(), size.columns))


@contextmanager
def watched(
    lines: Callable[[Document, datetime, int], Sequence[str]],
    compare: Callable[[Document | None, Document], list[str]],
    *,
    as_json: bool,
) -> Iterator[View]:
    """Give the view that fits standard output. Ctrl-C inside ends the watch and nothing else."""
    size = terminal()
    if as_json or size is None or not size.draws:
        with suppress(KeyboardInterrupt):
            yield JsonLines() if as_json else Appended(compare)
        return
    with Screen() as screen:
        view = Drawn(screen, lines)
        with suppress(KeyboardInterrupt):
            yield view
    view.print_last()
