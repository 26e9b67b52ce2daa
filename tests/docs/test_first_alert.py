"""The first alert of the README, as it stands there, against a real ``lumen up``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.up.conftest import Up

_ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Up]:
    """A running ``lumen up`` with the shipped rules and its data in ``var``, as in a fresh copy of the project."""
    up = Up(tmp_path, LUMEN_DATA_DIR=str(tmp_path / "var"))
    shutil.rmtree(tmp_path / "rules")
    (tmp_path / "rules").mkdir()
    for file in (_ROOT / "rules").glob("*.yaml"):
        shutil.copy(file, tmp_path / "rules")
    try:
        up.start()
        yield up
    finally:
        up.end()


def shell(up: Up, script: str, key: str = "") -> str:
    """Run a block of the README in the folder of the site and return what it prints; ``key`` is its ``KEY``."""
    programs = str(Path(sys.executable).parent)
    environ = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(up.folder), "KEY": key}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=up.folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def eventually(up: Up, script: str, wanted: str, key: str = "") -> str:
    """Run a block that may be repeated until it prints ``wanted``; return what it printed then."""
    deadline = time.monotonic() + _PATIENCE
    while wanted not in (printed := shell(up, script, key)):
        assert time.monotonic() < deadline, printed
    return printed


def test_the_first_alert_goes_as_the_readme_says(site: Up) -> None:
    """Rule, alert, vote, result, verification, account, and the alert by curl: every block does what its text says."""
    section = (_ROOT / "README.md").read_text(encoding="utf-8").split("## The first alert")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    rule, send, vote, account, _amtool, curl = blocks
    assert "2 rules in rules load" in shell(site, rule.replace(". .venv/bin/activate\n", ""))
    asked = eventually(site, send, "awaiting_approval")
    key = re.findall(r"^key +(\S+)$", asked, re.MULTILINE)[0]
    assert "approved: 1 of 1 to approve" in shell(site, vote, key)
    shown = eventually(site, "lumen alert show $KEY", "remediated", key)
    assert re.search(r"^ledger +\d", shown, re.MULTILINE)
    printed = shell(site, account)
    assert "the ledger holds" in printed
    assert "it adds up" in printed
    answer = json.loads(shell(site, curl.replace("127.0.0.1:8080", f"127.0.0.1:{site.ports['api']}")))
    assert [alert["result"] for alert in answer["alerts"]] == ["started"]
