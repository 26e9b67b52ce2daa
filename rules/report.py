"""Findings for a person at a terminal: each with the line of the file and a marker under the place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from lumen.display import printable
from lumen.errors import Finding

_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")  # the line breaks of YAML 1.1
_WIDTH = 160


def render(findings: Iterable[Finding], texts: Mapping[str, str]) -> str:
    """Return ``findings`` as text; ``texts`` maps the file names in them to the content of the files.

    Control characters of the files are shown escaped; a finding whose line is not known stays without it.
    """
    lines = {file: _BREAK.split(text) for file, text in texts.items()}
    return "\n".join(_rendered(finding, lines.get(finding.file, [])) for finding in findings)


def _rendered(finding: Finding, lines: list[str]) -> str:
    if not 1 <= finding.line <= len(lines):
        return str(finding)
    line = lines[finding.line - 1]
    start = min(finding.column - 1, len(line))
    end = min(start + finding.length, len(line))
    first = max(0, start - _WIDTH // 2)
    before, marked, after = line[first:start], line[start:end], line[end : first + _WIDTH]
    number = str(finding.line)
    source = f"{number} | {_shown(before)}{_shown(marked)}{_shown(after)}"
    marker = f"{' ' * len(number)} | {' ' * _columns(_shown(before))}{'^' * max(1, _columns(_shown(marked)))}"
    return f"{finding}\n  {source.rstrip()}\n  {marker}"


def _shown(text: str) -> str:
    return printable(text.replace("\t", "    "))


def _columns(text: str) -> int:
    """Return how many terminal columns ``text`` takes: wide East Asian characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        for char in text
    )
