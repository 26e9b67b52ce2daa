"""The curves of growth: read from the lines that were printed, drawn as pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import curves
from benchmarks.report import Figure, line

PRINTED = [
    {"header": "lumen benchmarks"},
    Figure("growth", "10 waiting", "console p50", "ms", [30.0]).document(),
    Figure("growth", "100 waiting", "console p50", "ms", [40.0]).document(),
    Figure("growth", "10 waiting", "console p50", "ms", [35.0]).document(),
    Figure("growth", "1000 entries", "append p50", "ms", [0.5]).document(),
    Figure("memory", "1000 waiting for votes", "worker resident", "MB", [200.0]).document(),
]


def test_curves_are_of_one_sort_and_a_later_line_replaces_an_earlier_one() -> None:
    """Waiting episodes and entries do not mix, and other figures are left out."""
    assert curves.curves(PRINTED, "waiting") == {"console p50": {10: 35.0, 100: 40.0}}
    assert curves.curves(PRINTED, "entries") == {"append p50": {1000: 0.5}}


@pytest.mark.parametrize(
    ("printed", "drawn"), [(PRINTED, {"growth-waiting.png", "growth-ledger.png"}), (PRINTED[:1], set())]
)
def test_only_what_was_measured_is_drawn(
    printed: list[dict[str, Any]], drawn: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log without curves leaves the pictures as they are."""
    log = tmp_path / "log"
    log.write_text("".join(line(one) for one in printed))
    monkeypatch.setattr(sys, "argv", ["curves", str(log), "--out", str(tmp_path)])
    curves.main()
    assert {file.name for file in tmp_path.glob("*.png")} == drawn
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.glob("*.png"))
    assert json.loads(log.read_text().splitlines()[0])
