"""The list of episodes: asked for, laid out, and compared with the one before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.alert.changes import row_changes
from cli.alert.rows import lines_of, row_of
from cli.alert.showing import episode_path
from cli.failure import CommandError
from cli.layout import fold
from cli.remote import Remote
from cli.terminal import terminal
from lumen.outcome import State
from lumen.standing import Document, items

MORE = "there are more: raise --limit, or narrow with --state, --outcome or --rule"

_LOOKED_INTO = 20
_LOOKING_SECONDS = 2.0
# Where an episode's own document says more than its row: whose turn it is, what blocks it, how long it cools.
_TELLING = (State.AWAITING_APPROVAL, State.BLOCKED, State.COOLING)


@dataclass(frozen=True)
class Listing:
    """Asks for a list, and at a terminal for the documents of the newest episodes in it that wait for somebody.

    The list itself comes from Temporal's index and does not know the votes. At most 20 documents are asked for, for two
    seconds, and none any more once no worker answers.
    """

    remote: Remote
    query: dict[str, str]

    def ask(self) -> Document:
        """Return the answer of ``GET /alerts``, at a terminal with ``documents`` by key."""
        answer = self.remote.get("/alerts", self.query).body
        if terminal() is None:
            return answer
        return {**answer, "documents": self._documents(items(answer, "alerts"))}

    def _documents(self, rows: Sequence[Document]) -> dict[str, Document]:
        until = time.monotonic() + _LOOKING_SECONDS
        found: dict[str, Document] = {}
        keys = [str(row.get("key")) for state in _TELLING for row in rows if row.get("state") == state]
        for key in keys[:_LOOKED_INTO]:
            if time.monotonic() > until:
                break
            try:
                document = self.remote.get(episode_path(key)).body
            except CommandError:
                break  # the list is good without it
            if document.get("stale"):
                break
            found[key] = document
        return found


def list_lines(answer: Document, now: datetime, width: int) -> list[str]:
    """Return a list as lines for a terminal."""
    documents: Mapping[str, Any] = answer.get("documents") or {}
    rows = [row_of(row, documents.get(str(row.get("key"))), now) for row in items(answer, "alerts")]
    lines = lines_of(rows, width) if rows else ["no episodes"]
    return [*lines, "", *fold(MORE, width)] if answer.get("next") else lines


def list_changes(before: Document | None, after: Document) -> list[str]:
    """Return what is new in a list, one line a change."""
    return row_changes(None if before is None else _by_key(before), _by_key(after))


def _by_key(answer: Document) -> dict[str, Document]:
    return {str(row.get("key")): row for row in items(answer, "alerts")}
