"""Episodes in a list: a table where there is room for it, else blocks of a few short lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.ages import ago
from cli.alert.standing import waits
from cli.layout import Column, cut, table
from lumen.standing import Document

COLUMNS = ("key", "state", "outcome", "rule", "alert", "severity", "target", "started_at")
"""The columns of the plain list, which is for pipes and files and stays as it is."""

_WIDE = (
    Column("state", least=12),
    Column("rule", least=10),
    Column("target", least=10),
    Column("severity", least=4),
    Column("age", least=7),
    Column("waits for", least=20),
    Column("key"),
)
_TABLE_FROM = 90


@dataclass(frozen=True)
class Row:
    """One episode as the list shows it. ``key`` is never cut."""

    key: str
    state: str
    rule: str
    target: str
    severity: str
    age: str
    waits: str


def plain_cell(row: Mapping[str, Any], column: str) -> object:
    """Return one cell; a run that was cut short has no state any more, whatever it was in when it ended."""
    status = str(row.get("status", "running")).lower()
    if column == "state" and status not in {"running", "completed"}:
        return status
    return row.get(column)


def row_of(found: Mapping[str, Any], document: Document | None, now: datetime) -> Row:
    """Return an episode for the list, from its row in ``GET /alerts`` and its own document as far as that was asked for."""
    state = str(plain_cell(found, "state") or "")
    outcome = str(found.get("outcome") or "")
    target, key = str(found.get("target") or ""), str(found.get("key") or "")
    return Row(
        key=key,
        state=f"{state} {outcome}".strip() if outcome else state,
        rule=str(found.get("rule") or found.get("alert") or ""),
        # Without a target in its rule an episode is its own, and its key stands there already.
        target="" if target == key else target,
        severity=str(found.get("severity") or ""),
        age=ago(found.get("started_at"), now),
        waits=waits(document, now) if document else "",
    )


def lines_of(rows: Sequence[Row], width: int) -> list[str]:
    """Return ``rows`` as lines: a table from 90 columns up where everything fits, else one block for each."""
    if width >= _TABLE_FROM:
        cells = [(row.state, row.rule, row.target, row.severity, row.age, row.waits, row.key) for row in rows]
        found = table(_WIDE, cells, width)
        if found is not None:
            return found
    lines: list[str] = []
    for row in rows:
        lines += [*([""] if lines else []), *_block(row, width)]
    return lines


def _block(row: Row, width: int) -> list[str]:
    second = "  ".join(text for text in (row.target, row.severity, row.age) if text)
    free = [f"{row.state}  {row.rule}", second, row.waits]
    return [*(cut(text, width) for text in free if text.strip()), row.key]
