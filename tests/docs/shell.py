"""Runs the shell blocks of a page against a real ``lumen up``, as a person would who copies them one after the other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.up.conftest import Up

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
_PAUSE = 0.3
_BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```json\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_OWN_VARIABLE = re.compile(r"^declare -- (?!BASH|IFS|OPT)[A-Z_]+=.*$", re.MULTILINE)
# A request that is answered by an error must fail its block.
_STRICT = 'curl() { command curl --fail-with-body "$@"; echo; }; set -euo pipefail'
_DEFAULT_PORTS = {"8080": "api", "8077": "proofd", "8081": "worker", "7233": "temporal", "8233": "ui"}


def blocks(page: str, heading: str = "") -> list[tuple[str, str]]:
    """Return the shell blocks of a page, or of the section under ``heading``, each with the JSON shown right below it."""
    text = page.split(f"\n{heading}\n")[1].split("\n## ", maxsplit=1)[0] if heading else page
    return _BLOCK.findall(text)


@contextmanager
def fresh_copy(folder: Path) -> Iterator[Up]:
    """Yield a running ``lumen up`` with the shipped rules and its data in ``var``, as in a fresh copy of the project."""
    up = Up(folder, LUMEN_DATA_DIR=str(folder / "var"))
    shutil.rmtree(folder / "rules")
    (folder / "rules").mkdir()
    for file in (ROOT / "rules").glob("*.yaml"):
        shutil.copy(file, folder / "rules")
    try:
        up.start()
        yield up
    finally:
        up.end()


@dataclass
class Terminal:
    """One terminal in the folder of ``up``: variables that a block sets are there in the next one."""

    up: Up
    ports: dict[str, int] = field(default_factory=dict)
    _set: str = ""

    def run(self, script: str, *, check: bool = True) -> str:
        """Run one block with its ports replaced by those in use; return what it prints. Requests must succeed."""
        ports = {number: self.up.ports[name] for number, name in _DEFAULT_PORTS.items()} | self.ports
        script = re.sub(r"(127\.0\.0\.1:)(\d+)", lambda found: f"{found[1]}{ports.get(found[2], found[2])}", script)
        kept = self.up.folder / "variables"
        argv = ["bash", "-c", f"{self._set}\n{_STRICT}\n{script}\ndeclare -p > {kept}"]
        environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(self.up.folder)}
        done = subprocess.run(
            argv, cwd=self.up.folder, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0 or not check, f"{script}\n{done.stdout}{done.stderr}"
        if done.returncode == 0:
            self._set = "\n".join(_OWN_VARIABLE.findall(kept.read_text()))
        return done.stdout + done.stderr

    def until(self, script: str, wanted: str) -> str:
        """Run a block that may be repeated until it prints ``wanted``; return what it printed then."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in (printed := self.run(script, check=False)):
            assert time.monotonic() < deadline, printed
            time.sleep(_PAUSE)
        return printed


def shape(value: Any) -> Any:
    """Return what an example of JSON promises: the names in it, at every depth; of a list its first element."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None


def answers(printed: str) -> list[Any]:
    """Return the JSON documents among the printed lines."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
