"""The disaster drill holds, and says so only if it does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drill import __main__ as program
from tests.drill.telling import Telling

_ROOT = Path(__file__).parents[2]
_SECONDS = 280
_NUMBERS = re.compile(r"\d+")
PARTS = (
    "1. Temporal's database is lost",
    "2. A byte of the ledger turns",
    "3. The signing key",
    "4. Temporal and the ledger",
)


@pytest.mark.long
@pytest.mark.timeout(_SECONDS + 20)
def test_every_expectation_of_the_drill_holds(tmp_path: Path) -> None:
    """Temporal lost, chain broken, key lost, all lost: each is detected, bounded, and gone on from; nothing runs twice."""
    argv = [sys.executable, "-m", "tests.drill", str(tmp_path)]
    done = subprocess.run(argv, cwd=_ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [part for part in PARTS if part not in done.stdout] == []
    assert "expectations held, 0 did not" in done.stdout
    assert done.stdout.count("nothing ran a second time") == 2
    assert _expected(done.stdout) == _expected((_ROOT / "docs" / "disaster-recovery.md").read_text()), (
        "run `make drill` anew"
    )


def test_one_expectation_that_fails_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not as expected is printed and is the exit code."""

    def drill(_: Path, tell: Telling) -> None:
        tell.step("a step")
        tell.expect("this", holds=True, seen=1)
        tell.expect("that", holds=False, seen=2)

    monkeypatch.setattr(program, "drill", drill)
    assert program.main(tmp_path) == 1
    assert "FAIL expected: that\n         seen: 2\n" in capsys.readouterr().out


def _expected(text: str) -> list[str]:
    """Return what is expected at each step; numbers may differ from run to run."""
    return [_NUMBERS.sub("0", line) for line in text.splitlines() if "expected: " in line]
