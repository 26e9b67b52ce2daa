"""Fixtures of the ledger tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.proof.samples import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proof.store import LedgerStore

# How long an example takes on a shared machine says nothing about it.
settings.register_profile("proof", deadline=None)
settings.load_profile("proof")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a ledger that does not exist yet."""
    return tmp_path / "proof.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[LedgerStore]:
    """Return an open, empty ledger in ``path``."""
    store = open_ledger(path)
    yield store
    store.close()
