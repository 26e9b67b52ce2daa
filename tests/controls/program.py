"""Runs the programs of ``controls/`` as a rule would: the same interpreter, a bare environment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTROLS = Path(__file__).parents[2] / "controls"


@dataclass(frozen=True)
class Run:
    """How a program ended; ``told`` is the JSON object that it printed."""

    code: int
    told: dict[str, Any]
    stderr: str


def run(program: str, *arguments: str, env: Mapping[str, str] | None = None) -> Run:
    """Run one program to its end."""
    command = [sys.executable, str(CONTROLS / program), *arguments]
    ended = subprocess.run(command, env={**(env or {})}, capture_output=True, text=True, timeout=60, check=False)
    return Run(ended.returncode, json.loads(ended.stdout) if ended.stdout.strip() else {}, ended.stderr)
