"""What the demo says: numbered steps of short lines that fit a narrow terminal, and nothing that a terminal interprets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from cli.layout import fold
from cli.terminal import terminal
from lumen.display import printable

_WIDEST = 76
_INDENT = "   "


class Teller:
    """Writes to one stream. Sentences are folded at the width of the terminal; what is there to be copied is not."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream
        self._step = 0

    def step(self, title: str, meaning: str) -> None:
        """Begin the next step: its title, and one sentence that says what it shows."""
        self._step += 1
        self._write(f"\n{self._step}. {printable(title)}\n")
        self.say(meaning)

    def say(self, sentence: str, indent: str = _INDENT, hanging: str = "") -> None:
        """Write a sentence; all but its first line stand further in by ``hanging``."""
        size = terminal(self._stream)
        width = min(_WIDEST, size.columns - 1) if size else _WIDEST
        first, *others = fold(sentence, width - len(indent) - len(hanging))
        self._write("".join(f"{line}\n" for line in (indent + first, *(indent + hanging + line for line in others))))

    def done(self, seconds: float) -> None:
        """Write the last sentence of a demo in which everything went as it must."""
        self.head(
            f"Done in {seconds:.0f} s. The service hung, two votes allowed the remedy, it ran once and helped, "
            "and the record verifies."
        )

    def head(self, sentence: str) -> None:
        """Write a sentence that belongs to no step."""
        self._write("\n")
        self.say(sentence, indent="")

    def raw(self, text: str) -> None:
        """Write something to be copied: one line, whatever its length."""
        self._write(f"{_INDENT}  {printable(text)}\n")

    def fields(self, fields: Sequence[tuple[str, str]]) -> None:
        """Write names and values, the values in one column."""
        width = max(len(name) for name, _ in fields)
        for name, value in fields:
            self._write(f"{_INDENT}{name:<{width}}  {printable(value)}\n")

    def ask(self, question: str) -> None:
        """Write a question and stay on its line."""
        self._write(f"{_INDENT}{printable(question)} [y/n] ")

    def leave_question(self) -> None:
        """End the line of a question that nobody answers any more; the terminal may be gone."""
        with suppress(OSError):
            self._write("\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
