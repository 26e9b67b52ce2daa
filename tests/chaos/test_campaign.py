"""Trials with fixed seeds: whatever is done to Lumen, the checker finds nothing wrong with what it left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chaos.__main__ import run_one, told
from tests.chaos.ballots import WAYS_FROM
from tests.chaos.plan import draw

PROGRAMS = {"prometheus-alertmanager": "prometheus-alertmanager", "strace": "strace"}
SEEDS = {
    17: {"disk"},
    18: {"put_back", "kill"},
    19: {"http", "kill", "restart"},
    34: {"kill"},
    2011: {"link"},
}


def need_programs(*, require_all: bool) -> None:
    """Skip where Debian's programs are missing, fail there in CI."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing and not require_all:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian packages)")
    assert not missing


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_or_unproven(seed: int, tmp_path: Path, require_all: bool) -> None:
    """Kills, stops, lost connections, a full disk, an older database: nothing lost, doubled, unproven, stuck or wrong."""
    need_programs(require_all=require_all)
    assert {fault.kind for fault in draw(seed)} == SEEDS[seed]
    trial, verdict = await run_one(seed, tmp_path)
    assert verdict["findings"] == [], told(seed, trial, verdict)
    assert verdict["counts"]["episodes"] >= 20
    assert verdict["counts"]["starts"] > 0
    if seed >= WAYS_FROM:
        assert verdict["counts"]["votes_counted_by_slack"] > 0
        assert verdict["counts"]["votes_counted_by_link"] > 0
