"""The checker of chaos trials: tried on the evidence of a real site, clean and with bugs planted in it."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checking.judge import judge
from tests.chaos.checking.report import CLASSES
from tests.chaos.planting.more_bugs import BUGS
from tests.chaos.planting.tampering import Copy

CHECKING = Path(__file__).parent / "checking"
OWN = "tests.chaos.checking"
ALLOWED = {*sys.stdlib_module_names, "cryptography"}


def found(folder: Path) -> dict[str, list[str]]:
    """Return the findings by class, as key and text."""
    classes: dict[str, list[str]] = {}
    for finding in judge(folder)["findings"]:
        classes.setdefault(finding["class"], []).append(f"{finding['key']}: {finding['text']}")
    return classes


def test_clean_evidence_has_no_findings(clean: Path) -> None:
    """What a Lumen without faults leaves behind breaks no promise, and the checker has seen all of it."""
    document = judge(clean)
    assert document["findings"] == []
    assert document["counts"]["episodes"] == 10
    assert document["counts"]["starts"] == 10
    assert document["counts"]["votes_counted"] == 5
    assert document["counts"]["outcomes"] == {"remediated": 7, "failed": 1, "suppressed": 2, "rejected": 1}


def test_a_ledger_that_is_written_anew_holds(evidence: Copy) -> None:
    """The planting itself breaks nothing: the same entries under another key are a ledger without findings."""
    evidence.rewrite(lambda records: records)
    assert found(evidence.folder) == {}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(evidence: Copy, name: str) -> None:
    """Each bug is found under its class, and the finding says in words what is wrong."""
    kind, words, plant = BUGS[name]
    plant(evidence)
    classes = found(evidence.folder)
    print(json.dumps(classes, indent=1))
    assert any(words in text for text in classes.get(kind, []))
    assert "evidence" not in classes
    assert set(classes) <= set(CLASSES)
    assert all(len(text) > 20 for texts in classes.values() for text in texts)


def test_the_command_prints_json_and_tells_by_its_exit_code(clean: Path, evidence: Copy) -> None:
    """Exit code 0 without findings, 1 with, 2 for wrong usage."""

    def run(*folders: Path) -> tuple[int, Any]:
        argv = [sys.executable, "-m", OWN, *map(str, folders)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, cwd=CHECKING.parents[2])
        return done.returncode, json.loads(done.stdout or "null")

    code, document = run(clean)
    assert (code, document["seed"], document["findings"]) == (0, 7, [])
    shutil.rmtree(evidence.folder / "export")
    code, documents = run(clean, evidence.folder)
    assert code == 1
    assert not documents[0]["findings"]
    assert {finding["class"] for finding in documents[1]["findings"]} >= {"ledger_broken", "lost", "unproven"}
    assert run() == (2, None)


def test_the_checker_imports_nothing_of_lumen() -> None:
    """No module of the checker imports anything but the standard library, cryptography and the checker."""
    for file in CHECKING.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, file.name
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in ALLOWED or name.startswith(OWN + "."), (file.name, name)
