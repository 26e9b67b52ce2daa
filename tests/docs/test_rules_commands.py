"""The shell blocks of docs/rules.md, one after the other, as in a fresh copy of the project; nothing has to run for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.shell import ROOT

_PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
_BLOCKS = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("shell_programs")
def test_every_block_does_what_its_text_says(tmp_path: Path) -> None:
    """A rule is written, tested, explained and tried on the past; every command ends with 0."""
    shutil.copytree(ROOT / "rules", tmp_path / "rules", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    printed = [run(block, tmp_path) for block in _BLOCKS]
    check, new, test, explain, backtest = printed
    assert "1 rules in rules load" in check
    assert new.splitlines()[0] == "rules/disk-full.yaml"
    assert "rules/tests/disk-full.yaml: 2 of 2 cases pass" in test
    assert re.search(r"^yes +disk-full +applies$", explain, re.MULTILINE)
    assert "cooldown: 600 -> 1800" in backtest
    assert "2 episodes, 2 treated otherwise" in backtest


def run(block: str, folder: Path) -> str:
    """Return what a block prints; it must succeed."""
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder)}
    argv = ["bash", "-c", f"set -euo pipefail\n{block}"]
    done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout
