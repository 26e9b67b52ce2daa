"""What commands print: JSON for programs, tables for people. Nothing from outside is ever interpreted by the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lumen.display import printable

if TYPE_CHECKING:
    from rich.text import Text

_UNBOUNDED = 100_000


def say(line: str) -> None:
    """Print one line for a person, with every control character made visible."""
    sys.stdout.write(printable(line) + "\n")


def remark(line: str) -> None:
    """Print one line about the result on stderr, where it is not in the way of the result."""
    sys.stderr.write(printable(line) + "\n")


def print_raw(text: str) -> None:
    """Print text of Lumen's own, such as a script, exactly as it is."""
    sys.stdout.write(text)


def complain(text: str) -> None:
    """Print what went wrong: one line, or one line a finding."""
    first, *others = text.splitlines() or [""]
    sys.stderr.write(f"lumen: {printable(first)}\n")
    sys.stderr.writelines(f"{printable(line)}\n" for line in others)


def print_json(document: Any) -> None:
    """Print one JSON document on one line, in plain ASCII so that no terminal can be moved by it."""
    sys.stdout.write(json.dumps(document, ensure_ascii=True) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns, or the sentence ``empty``. Cells are never cut or folded, so they can be copied."""
    from rich.console import Console  # noqa: PLC0415  # only tables need it
    from rich.table import Table  # noqa: PLC0415  # only tables need it

    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    if not table.row_count:
        say(empty)
        return
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    # The width of the terminal would cut cells; a line that is too long wraps and is still whole when copied.
    console.width = _UNBOUNDED
    with console.capture() as captured:
        console.print(table, crop=False)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def cell(value: object) -> Text:
    """Return a value as the text of a cell: no markup, no control characters, ``-`` for nothing."""
    from rich.text import Text  # noqa: PLC0415  # only tables need it

    text = "" if value is None else str(value)
    return Text(printable(text) or "-")


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print ``name  value`` lines, the values in one column; fields without a value are left out."""
    known = [(name, printable(str(value))) for name, value in fields if value not in (None, "")]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        sys.stdout.write(f"{name:<{width}}  {value}\n")
