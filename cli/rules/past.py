"""The alerts of the past: from a file of notifications, or from the ledger."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.failure import CommandError
from lumen.alert import Alert, accepted_fingerprint
from lumen.errors import AlertError
from lumen.records import KIND_DECISION, KIND_REMEDIATION

if TYPE_CHECKING:
    from cli.ledger_source import LedgerSource
    from proof.format.chain import StoredEntry
    from rules.backtest import Past

_SOURCE = "alertmanager"
_PARTS = {KIND_DECISION: "approval", KIND_REMEDIATION: "remediation"}
_THEN = datetime(2000, 1, 1, tzinfo=UTC)  # rules do not look at when an alert was received
_SAY_EVERY = 2.0


@dataclass
class Collected:
    """Episodes by key and start, in the order in which they were first seen, and what was left out."""

    found: dict[tuple[str, str], Past] = field(default_factory=dict)
    repeats: int = 0
    resolved: int = 0
    erased: int = 0

    def add(self, past: Past) -> None:
        """Take in an episode; one that is known is counted as a repeat, and may bring the annotations."""
        key = past.alert.key, past.alert.starts_at
        known = self.found.get(key)
        if known is None or (past.annotated and not known.annotated):
            self.found[key] = past
        self.repeats += known is not None


def from_file(path: Path) -> Collected:
    """Return the firing alerts of a file: JSON lines or one JSON document, of notifications, alerts, or lists of alerts.

    Raises:
        CommandError: the file cannot be read, or holds something else; the text names the line.

    """
    from api.intakes.skeleton import parse_alert  # noqa: PLC0415  # what only this needs
    from rules.backtest import Past  # noqa: PLC0415  # pulls in PromQL

    collected = Collected()
    for line, item in _items(path):
        try:
            alert = parse_alert(item, _SOURCE, _THEN)
        except AlertError as wrong:
            raise CommandError(f"{path}:{line}: this is no alert: {wrong}") from None
        if alert.firing:
            collected.add(Past(alert))
        else:
            collected.resolved += 1
    return collected


def _items(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield every alert of the file, unread, with its line."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    for number, document in _documents(path, lines):
        for one in document if isinstance(document, list) else [document]:
            inner = one.get("alerts") if isinstance(one, dict) else None
            yield from ((number, each) for each in (inner if isinstance(inner, list) else [one]))


def _documents(path: Path, lines: list[str]) -> Iterator[tuple[int, Any]]:
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    try:
        # A document over several lines, such as what `amtool alert query -o json` prints.
        whole = json.loads("\n".join(lines)) if numbered and not _is_json(numbered[0][1]) else None
    except ValueError:
        whole = None
    if whole is not None:
        yield 1, whole
        return
    for number, line in numbered:
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise CommandError(f"{path}:{number}: no JSON: {error}: write one notification or alert a line") from None


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def from_ledger(source: LedgerSource) -> Collected:
    """Return the alerts of all attempts and decisions in a running proofd, read page by page; progress goes to stderr."""
    size = source.head().checkpoint.tree.size
    collected = Collected()
    said = time.monotonic()
    for stored in source.entries(0, size):
        _take(stored, collected)
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            sys.stderr.write(f"read {stored.seq + 1} of {size} entries\n")
    return collected


def _take(stored: StoredEntry, collected: Collected) -> None:
    from proof.format.entry import decode_entry  # noqa: PLC0415  # what only this needs
    from rules.backtest import Past  # noqa: PLC0415  # pulls in PromQL

    wanted = _PARTS.get(decode_entry(stored.body).kind)
    part = next((part for part in stored.parts if part.name == wanted), None)
    if part is None:
        return
    if part.data is None:
        collected.erased += 1
        return
    content = json.loads(part.data)
    context = content.get("alert_context") or content.get("alert") or {}
    annotations = context.get("annotations")
    alert = _alert(str(content.get("alert_key", "")), context, annotations or {})
    collected.add(Past(alert, annotated=isinstance(annotations, dict)))


def _alert(key: str, context: dict[str, Any], annotations: dict[str, str]) -> Alert:
    source, _, fingerprint = key.rpartition("-")
    labels: dict[str, str] = context.get("labels") or {}
    return Alert(
        source or _SOURCE,
        accepted_fingerprint(fingerprint, labels),
        labels,
        _THEN,
        annotations,
        starts_at=str(context.get("startsAt") or ""),
    )
