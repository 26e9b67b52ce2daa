"""What docs/ledger.md says that the ledger shows is what tests try: each row names tests that are there, or that none is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
_SECTION = _PAGE.split("## What it shows and what it cannot show\n")[1].split("\n## ", maxsplit=1)[0]
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def rows() -> list[list[str]]:
    """Return the cells of the rows under the heading of the table."""
    lines = [line for line in _SECTION.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_row_names_tests_that_are_there(row: list[str]) -> None:
    """The last cell is a list of tests, every one of which exists, or the words "not covered"."""
    assert len(row) == 3
    named = _NAMED.findall(row[2])
    assert _NAMED.sub("", row[2]).strip(", ") == ("" if named else "not covered")
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, f"{file} has no {name}"


def test_what_is_not_covered_is_said_with_what_is_left() -> None:
    """A row without a test says why there is none, and the table has both kinds."""
    bare = [row for row in rows() if row[2] == "not covered"]
    assert bare
    assert all(row[1].startswith("not covered: ") for row in bare)
    assert len(rows()) > 20
