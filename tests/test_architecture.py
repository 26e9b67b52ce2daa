"""Who may import whom, where import-linter cannot see it: single modules of outside packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("lumen", "rules", "workflows", "activities", "worker", "api", "proof", "cli")


def imports(folder: str) -> Iterator[tuple[Path, str]]:
    """Yield every module that the code of a folder imports, with the file that does."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


@pytest.mark.parametrize("folder", ["lumen", "rules", "workflows"])
def test_pure_code_has_no_temporal_client(folder: str) -> None:
    """Neither the core nor the rules nor workflow code imports Temporal's client or worker."""
    assert [
        (path.name, module)
        for path, module in imports(folder)
        if module.startswith(("temporalio.client", "temporalio.worker", "temporalio.service"))
    ] == []


def test_only_the_loader_of_rules_reads_yaml() -> None:
    """In the rule language only its loader knows YAML."""
    assert {path.name for path, module in imports("rules") if module.split(".")[0] == "yaml"} == {"loader.py"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_environment_is_read_in_one_place(folder: str) -> None:
    """Only ``cli/settings.py`` mentions the environment of the process."""
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert readers <= {"cli/settings.py"}
