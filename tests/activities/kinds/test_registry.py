"""Both halves of every kind of action are there."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx

from activities.kinds import registry
from activities.kinds.protocol import KindContext
from rules.kinds import KINDS


async def test_what_rules_can_say_can_be_run_and_nothing_else(tmp_path: Path) -> None:
    """A kind that is read is run, under the same name."""
    async with httpx.AsyncClient(trust_env=False) as http:
        assert set(registry(KindContext(http, tmp_path, sys.executable))) == set(KINDS)
