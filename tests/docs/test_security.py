"""docs/security.md names tests that are there, says what none covers, and its blocks can be run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
_BLOCKS = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)


def rows() -> list[list[str]]:
    """Return the cells of the rows of the table of threats."""
    table = _PAGE.split("| boundary: threat |")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_row_names_tests_that_are_there(row: list[str]) -> None:
    """The last cell is a list of tests, every one of which exists, or says what is not covered."""
    assert len(row) == 3
    named = _NAMED.findall(row[2])
    rest = _NAMED.sub("", row[2]).strip(", ")
    assert rest == "" if named else rest.startswith("not covered: ")
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, f"{file} has no {name}"


def test_the_blocks_replace_secrets(tmp_path: Path) -> None:
    """Run with a stand-in for systemctl, each block leaves the new secret alone in its file, readable by its owner only."""
    first, *others = _BLOCKS
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    for name in ("systemctl", "sleep"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {calls}\n')
        program.chmod(0o755)
    env = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",  # noqa: TID251 - tests pass PATH on
        "SECRETS": str(tmp_path),
        "NEW_SIGNING_SECRET": "slack-two",
    }
    replaced = ("LUMEN_WEBHOOK_TOKEN", "LUMEN_API_TOKEN", "PROOFD_TOKEN", "BRIDGE_SECRET", "SLACK_SIGNING_SECRET")
    for name in replaced:
        (tmp_path / name).write_text("k1:the-old-one\n")
    for block in others:
        subprocess.run(["/bin/sh", "-euc", first + block], env=env, check=True, capture_output=True, timeout=60)
    for name in replaced:
        content = (tmp_path / name).read_text().strip()
        assert content, name
        assert "the-old-one" not in content, name
        assert "," not in content, name
        assert (tmp_path / name).stat().st_mode & 0o077 == 0, name
    assert re.fullmatch(r"[0-9a-f]{64}: \{actor: .*\}\n", (tmp_path / "tokens.yaml").read_text())
    assert (tmp_path / "proofd").read_text() == (tmp_path / "PROOFD_TOKEN").read_text()
    assert "systemctl restart lumen-proofd" in calls.read_text()
