"""Fixtures of the contract: every test runs over every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.proof.contract.houses import House, PostgresHouse, SqliteHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proof.store import LedgerStore


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Return a house in which there is no ledger yet."""
    if request.param == "sqlite":
        return SqliteHouse(tmp_path)
    return PostgresHouse(request.getfixturevalue("postgres"), tmp_path)


@pytest.fixture
def ledger(house: House) -> Iterator[LedgerStore]:
    """Return an open, empty ledger in the house."""
    with house.opened() as store:
        yield store
