"""An action that waits for a worker of its runner is not said to run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.alert.standing import what_next

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ABSENT = "mark: no worker serves the runner edge-1 yet (looked at 2026-03-01T12:00:00.000Z); waiting for one"


@pytest.mark.parametrize(
    ("reason", "line"),
    [("mark", "it runs: mark"), ("", "it runs"), (ABSENT, f"it waits: {ABSENT}; see lumen doctor")],
)
def test_what_an_executing_episode_does(reason: str, line: str) -> None:
    """What runs is said to run; what waits for a worker is said to wait, and where to look."""
    assert what_next({"state": "executing", "state_reason": reason}, "k", NOW) == [line]
