"""Five minutes of mixed load: nothing grows that must not, and nothing is answered wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.soak.__main__ import conclude, soak
from benchmarks.soak.pace import pace

_MINUTES = 5.0
_RATE = 0.2


@pytest.mark.timeout(900)
async def test_five_minutes_of_mixed_load_stay_level(tmp_path: Path) -> None:
    """Memory, files, open workflows, histories and logs stay within their bounds, and every outcome is right."""
    place, out = tmp_path / "site", tmp_path / "out"
    place.mkdir()
    out.mkdir()
    run = await soak(place, out, pace(_MINUTES), _RATE)
    (out / "run.json").write_text(json.dumps(run))
    summary = conclude(out)
    assert summary["ok"], json.dumps({name: summary[name] for name in ("checks", "reconcile", "ledger_holds", "flow")})
    assert summary["costs"]["episodes"] > _MINUTES * 60 * _RATE / 3
    assert (out / "soak.png").read_bytes().startswith(b"\x89PNG")
