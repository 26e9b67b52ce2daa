"""Fixtures of the workflow tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The file that commands of a test append to."""
    return tmp_path / "out"
