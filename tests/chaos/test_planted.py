"""Bugs that are planted in the workers of a whole Lumen are found by a trial without any fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.__main__ import run_one
from tests.chaos.test_campaign import need_programs

FOUND = {
    "one run too many": ("Budget", "guard_exceeded"),
    "no claim": ("Once", "unproven"),
    "one person twice": ("Asked,AskedFew", "vote_doubled"),
}


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("bug", FOUND)
async def test_planted_bug_is_found(bug: str, tmp_path: Path, require_all: bool) -> None:
    """A budget that is off by one, a claim that is skipped, a person who counts twice: each is found for what it is."""
    need_programs(require_all=require_all)
    rules, kind = FOUND[bug]
    _, verdict = await run_one(1, tmp_path, "--calm", "--bug", bug, "--rules", rules)
    assert kind in {finding["class"] for finding in verdict["findings"]}
